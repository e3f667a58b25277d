"""What `brainfm preview` does: answer requests until standard input ends, whatever is wrong with one of them.

One JSON object a line on standard output, each with "event": "ready" first; then for each request "progress",
"warning" and "sample", and at last one of "done", "cancelled" and "error".
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from BrainFMEngine import __version__
from BrainFMEngine.cli.reporting import PROTOCOL_VERSION, as_explained, explain, write_line
from BrainFMEngine.errors import DeviceMemoryError
from BrainFMEngine.inference.device_name import check_device_name

if TYPE_CHECKING:
    from BrainFMEngine.generator.generator import Sample
    from BrainFMEngine.preview.previewer import Drawn, Previewer
    from BrainFMEngine.preview.request import PreviewRequest
    from BrainFMEngine.preview.told import Told

IDLE_THREADS = ("OMP_WAIT_POLICY", "passive")
"""Threads that wait for each other sleep. Spinning ones halve the speed where a training keeps all cores busy."""


def run_describe(recipe: str, preset: str) -> int:
    """Print what can be asked for as one JSON object, and return the exit code."""
    from BrainFMEngine.preview.describe import describe
    from BrainFMEngine.training.recipes import find_recipe

    try:
        about = {"event": "description", "protocol": PROTOCOL_VERSION, "version": __version__}
        text = json.dumps({**about, **describe(find_recipe(recipe, preset))})
    except Exception as error:  # every error ends as a sentence
        return explain(error)
    write_line(sys.stdout, text)
    return 0


def run_preview(device: str, threads: int | None, descriptor: int = 0) -> int:
    """Answer requests; return the exit code: 0 at the end of standard input.

    Args:
        device, threads: where and with how many threads of the CPU to work.
        descriptor: file descriptor that requests are read from.
    """
    try:
        check_device_name(device)
        os.environ.setdefault(*IDLE_THREADS)  # read when torch is loaded
        import torch

        from BrainFMEngine.inference.device import choose_device
        from BrainFMEngine.preview.previewer import Previewer

        if threads is not None:
            torch.set_num_threads(threads)
        chosen = choose_device(device)
    except Exception as error:  # every error ends as a sentence
        return explain(error)
    answers = _Answers(sys.stdout)
    with redirect_stdout(sys.stderr):
        about = {"protocol": PROTOCOL_VERSION, "version": __version__, "pid": os.getpid()}
        answers.send("ready", **about, device=str(chosen), threads=torch.get_num_threads())
        _Worker(Previewer(chosen), answers, descriptor).run()
    return 0


class _Answers:
    """Lines to the program at the other end, from two threads; `on_gone` is called where nobody reads any more."""

    def __init__(self, stream: TextIO):
        self._stream, self._lock = stream, threading.Lock()
        self.on_gone: Callable[[], None] = lambda: None

    def send(self, event: str, **values: Any) -> None:
        text = json.dumps({"event": event, **values})
        try:
            with self._lock:
                write_line(self._stream, text)
        except (OSError, ValueError):
            self.on_gone()

    def error(self, request: Any, error: Exception) -> None:
        explained = as_explained(error)
        about = {"request": request, "code": explained.code}
        self.send("error", **about, message=explained.message, hint=explained.hint)


class _Worker:
    """Works on one request after the other."""

    def __init__(self, previewer: Previewer, answers: _Answers, descriptor: int):
        from BrainFMEngine.cli.preview_inbox import Inbox

        self.previewer, self.answers = previewer, answers
        self.inbox = Inbox(answers.error, lambda name: answers.send("cancelled", request=name), descriptor)
        answers.on_gone = self.inbox.stop

    def run(self) -> None:
        self.inbox.start()
        try:
            while (request := self.inbox.next()) is not None:
                self._answer(request)
        finally:
            self.inbox.close()

    def _answer(self, request: PreviewRequest) -> None:
        from BrainFMEngine.preview.told import Superseded
        from BrainFMEngine.training.explained_faults import is_memory_fault

        started = time.perf_counter()
        work = {"preview": self._preview, "export": self._export, "recipe": self._recipe}[request.kind]
        try:
            found = work(request, self._told(request))
        except Superseded:
            self.answers.send("cancelled", request=request.request)
        except Exception as error:  # the worker outlives every request
            if is_memory_fault(error):
                self.previewer.clear()
                error = DeviceMemoryError("memory ran out", "Choose a smaller crop or fewer targets.")
            self.answers.error(request.request, error)
        else:
            seconds = round(time.perf_counter() - started, 4)
            self.answers.send("done", request=request.request, seconds=seconds, **found)

    def _told(self, request: PreviewRequest) -> Told:
        from BrainFMEngine.preview.told import Told

        def tell_stage(name: str, fraction: float) -> None:
            self.answers.send("progress", request=request.request, stage=name, fraction=round(fraction, 4))

        return Told(
            tell_stage,
            lambda message: self.answers.send("warning", request=request.request, message=message),
            lambda: self.inbox.wants(request),
            lambda: self.inbox.wants_anatomy(request),
        )

    def _preview(self, request: PreviewRequest, told: Told) -> dict[str, Any]:
        from BrainFMEngine.preview.files import PreviewFiles

        targets = frozenset(request.targets)
        drawn = self.previewer.draw(request, told)
        files = PreviewFiles(Path(request.folder or ""), drawn, targets)
        missing = set(targets)
        writing = 0.0
        for sample in self.previewer.samples(drawn, targets, told):
            started = time.perf_counter()
            written = files.write(sample)
            writing += time.perf_counter() - started
            missing -= files.names_of(written)
            self.answers.send("sample", **_facts(request, drawn, sample), files=written)
        stages = {**self.previewer.seconds, "files": round(writing, 4)}
        return {"samples": len(drawn.parameters), "missing": sorted(missing), "stages": stages}

    def _export(self, request: PreviewRequest, told: Told) -> dict[str, Any]:
        from BrainFMEngine.preview.export import export_samples

        folder = Path(request.export or "")
        paths = export_samples(self.previewer, request, folder, told)
        return {"folder": str(folder.absolute()), "files": [str(path.absolute()) for path in paths]}

    def _recipe(self, request: PreviewRequest, told: Told) -> dict[str, Any]:
        from BrainFMEngine.training.recipe import recipe_hash
        from BrainFMEngine.training.run_recipe import write_recipe

        path = Path(request.save_recipe or "")
        recipe = self.previewer.recipe(request, told)
        if request.centre is not None:
            told.warning("the centre is not part of a recipe: training centres its samples on the brain")
        write_recipe(path, recipe, request.overwrite)
        return {"recipe": str(path.absolute()), "sha256": recipe_hash(recipe)}


def _facts(request: PreviewRequest, drawn: Drawn, sample: Sample) -> dict[str, Any]:
    """Return what there is to say about a sample beside its files."""
    from BrainFMEngine.generator.picture import summary
    from BrainFMEngine.generator.wording import drawn_values

    parameters = sample.parameters
    return {
        "request": request.request,
        "index": parameters.index,
        "severity": round(parameters.severity, 6),
        "subject": drawn.name or parameters.subject,
        "seed": drawn.recipe.seed,
        "step": request.step,
        "shape": list(parameters.shape),
        "summary": "; ".join(summary(parameters)),
        "parameters": drawn_values(parameters),
    }
