"""A worker that speaks the engine's JSON lines and behaves as told: `stub_worker.py BEHAVIOUR [ARGUMENTS OF PREDICT]`.

Behaviours: succeed, fail, crash, killed, hang, ignore-term, flood, flood-events, grandchild, orphan, silent-exit-0,
no-files, slow-progress, garbage, usage-error, missing-package, late-crash, half-fail, echo-environment.
Options stand before the behaviour:
    --results FOLDER   results to copy, named after each input (default: a tiny image and a table)
    --seconds N        how long "slow-progress" takes (default 2)
    --pids FILE        where "grandchild" and "orphan" write the numbers of their processes
    --megabytes N      how much "flood" prints (default: for ever)"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the engine's environment leaves the script's folder out
from stub_results import stem_of, write_results


class Worker:
    """The options, and the lines that every behaviour prints."""

    def __init__(self, words: list[str]):
        parser = argparse.ArgumentParser(allow_abbrev=False)
        parser.add_argument("--results", type=Path)
        parser.add_argument("--seconds", type=float, default=2.0)
        parser.add_argument("--pids", type=Path)
        parser.add_argument("--megabytes", type=float, default=float("inf"))
        parser.add_argument("behaviour")
        self.options, rest = parser.parse_known_args(words)
        self.inputs, self.folder = _inputs_and_folder(rest)
        self.started = time.monotonic()

    def send(self, event: str, **values) -> None:
        """Print an event."""
        sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
        sys.stdout.flush()

    def start(self) -> None:
        """Print the first event."""
        self.send("start", protocol=1, version="stub", inputs=[str(path) for path in self.inputs])

    def stage(self, path: Path, stage: str, fraction: float) -> None:
        """Print how far the work on an input is."""
        index = self.inputs.index(path)
        total = (index + fraction) / len(self.inputs)
        self.send("progress", input=str(path), stage=stage, fraction=fraction, total=total)

    def work(self, path: Path) -> Path:
        """Do as if: two stages, then write results and tell them; return their folder."""
        self.stage(path, "reading", 0.0)
        self.stage(path, "computing", 0.5)
        folder = self.folder / stem_of(path)
        for kind, file in write_results(folder, stem_of(path), self.options.results).items():
            self.send("output", input=str(path), kind=kind, path=str(file.absolute()))
        self.stage(path, "done", 1.0)
        return folder

    def done(self, code: int, results: list[dict]) -> int:
        """Print the last event; return the code to end with."""
        self.send("done", code=code, results=results, seconds=round(time.monotonic() - self.started, 3))
        return code

    def result(self, path: Path, folder: Path | None, code: int = 0) -> dict:
        """Return the entry of an input for the last event."""
        return {"input": str(path), "code": code, "folder": None if folder is None else str(folder.absolute())}


def succeed(worker: Worker) -> int:
    """Everything goes well."""
    worker.start()
    results = [worker.result(path, worker.work(path)) for path in worker.inputs]
    return worker.done(0, results)


def fail(worker: Worker) -> int:
    """The engine explains what is wrong."""
    worker.start()
    for path in worker.inputs:
        message, hint = "the scan has no intensities", "Choose another scan."
        worker.send("warning", input=str(path), message="the header is odd")
        worker.send("error", input=str(path), code=2, message=message, hint=hint)
        sys.stderr.write(f"error: {message}. {hint}\n")
    return worker.done(2, [worker.result(path, None, 2) for path in worker.inputs])


def half_fail(worker: Worker) -> int:
    """The first input fails, the others go well."""
    worker.start()
    bad, *good = worker.inputs
    worker.send("error", input=str(bad), code=2, message="the scan has no intensities", hint="Choose another scan.")
    results = [worker.result(bad, None, 2), *(worker.result(path, worker.work(path)) for path in good)]
    return worker.done(2, results)


def crash(worker: Worker) -> int:
    """A segmentation fault in the middle."""
    worker.start()
    worker.stage(worker.inputs[0], "computing", 0.5)
    sys.stderr.write("about to multiply matrices\n")
    sys.stderr.flush()
    ctypes.string_at(0)
    return 0


def killed(worker: Worker) -> int:
    """The system ends it without a word, as it does when memory runs out."""
    worker.start()
    os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    return 0


def late_crash(worker: Worker) -> int:
    """It crashes after everything is done."""
    succeed(worker)
    ctypes.string_at(0)
    return 0


def hang(worker: Worker) -> int:
    """It neither goes on nor listens."""
    worker.start()
    worker.stage(worker.inputs[0], "computing", 0.3)
    while True:
        time.sleep(60)


def ignore_term(worker: Worker) -> int:
    """As `hang`, and it ignores every signal that can be ignored."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGPIPE"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    return hang(worker)


def flood(worker: Worker) -> int:
    """It prints text and progress without end."""
    worker.start()
    progress = json.dumps(
        {"event": "progress", "input": str(worker.inputs[0]), "stage": "computing", "fraction": 0.5, "total": 0.5}
    )
    block = (progress + "\n" + "nothing of interest, again and again\n" * 30).encode() * 20
    written = 0
    while written < worker.options.megabytes * 1e6:
        sys.stdout.buffer.write(block)
        sys.stderr.buffer.write(block)
        written += 2 * len(block)
    return succeed(worker)


def flood_events(worker: Worker) -> int:
    """It warns without end."""
    worker.start()
    line = json.dumps({"event": "warning", "input": str(worker.inputs[0]), "message": "the same again"}) + "\n"
    written = 0
    while written < worker.options.megabytes * 1e6:
        sys.stdout.write(line * 500)
        written += 500 * len(line)
    return succeed(worker)


def grandchild(worker: Worker) -> int:
    """It has a child that sleeps and ignores signals, and that has a child itself."""
    _start_family(worker)
    return hang(worker)


def orphan(worker: Worker) -> int:
    """At "stop" it ends by itself, but what it started goes on, now without a parent."""
    _start_family(worker)
    worker.start()
    for line in sys.stdin:
        if line.strip() == "stop":
            break
    return worker.done(130, [worker.result(path, None, 130) for path in worker.inputs])


def silent_exit_0(worker: Worker) -> int:
    """It says nothing and ends as if all were well."""
    return 0


def no_files(worker: Worker) -> int:
    """It says that it is done, but there is nothing."""
    worker.start()
    return worker.done(0, [worker.result(path, worker.folder / "nowhere") for path in worker.inputs])


def slow_progress(worker: Worker) -> int:
    """It goes on slowly and stops, as the engine does, at "stop" or at the end of standard input."""
    asked = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), asked.set()), daemon=True).start()
    worker.start()
    for path in worker.inputs:
        for step in range(20):
            worker.stage(path, "computing", step / 20)
            if asked.wait(worker.options.seconds / 20 / len(worker.inputs)):
                worker.send("error", input=str(path), code=130, message="cancelled", hint="Nothing was written")
                sys.stdout.flush()
                worker.done(130, [worker.result(each, None, 130) for each in worker.inputs])
                os._exit(130)
    return succeed(worker)


def garbage(worker: Worker) -> int:
    """Between the lines there is whatever libraries print."""
    write = sys.stdout.buffer.write
    write(b'\xff\xfe\x00 not text\n{not json}\n[1, 2]\n{}\n{"event": 7}\nNaN\n\n\r\n' + b"x" * 3_000_000 + b"\n")
    write(b"10%\r20%\r30%\n" + b"[" * 100_000 + b"\n{" + b'"a":{' * 50_000 + b"\n")
    sys.stdout.flush()
    line = json.dumps({"event": "start", "protocol": 1, "version": "stub", "inputs": []}).encode() + b"\n"
    for byte in (line[i : i + 1] for i in range(len(line))):  # one byte at a time
        write(byte)
        sys.stdout.flush()
    results = [worker.result(path, worker.work(path)) for path in worker.inputs]
    sys.stdout.write(json.dumps({"event": "done", "code": 0, "results": results, "seconds": 0.1}))  # no line end
    sys.stdout.flush()
    return 0


def usage_error(worker: Worker) -> int:
    """The command line refuses an option before anything else."""
    sys.stderr.write("error: No such option: --nonsense\n")
    return 2


def missing_package(worker: Worker) -> int:
    """A package that the engine needs is not installed."""
    sys.stderr.write("Traceback (most recent call last):\nModuleNotFoundError: No module named 'nibabel.nifti1'\n")
    return 1


def echo_environment(worker: Worker) -> int:
    """It tells its environment."""
    worker.start()
    worker.send("environment", values=dict(os.environ), arguments=sys.argv[1:])
    return worker.done(0, [])


BEHAVIOURS: dict[str, Callable[[Worker], int]] = {
    function.__name__.replace("_", "-"): function
    for function in (succeed, fail, half_fail, crash, killed, late_crash, hang, ignore_term, flood, flood_events)
    + (grandchild, orphan, silent_exit_0, no_files, slow_progress, garbage, usage_error, missing_package)
    + (echo_environment,)
}


def _inputs_and_folder(words: list[str]) -> tuple[list[Path], Path]:
    """Return what stands before the first option of "predict INPUT... -o DIR ...", and DIR."""
    words = words[1:] if words[:1] == ["predict"] else words
    inputs = []
    for word in words:
        if word.startswith("-"):
            break
        inputs.append(Path(word))
    folder = next((words[i + 1] for i, word in enumerate(words[:-1]) if word in ("-o", "--output")), ".")
    return inputs or [Path("scan.nrrd")], Path(folder)


_FAMILY = """
import os, signal, subprocess, sys, time
for name in ("SIGTERM", "SIGINT", "SIGHUP"):
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
if len(sys.argv) > 2:
    child = subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]])
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(600)
"""


def _start_family(worker: Worker) -> None:
    """Start a child with a child, and wait until both have written their numbers."""
    pids = worker.options.pids
    pids.write_text(f"{os.getpid()}\n")
    subprocess.Popen([sys.executable, "-c", _FAMILY, str(pids), _FAMILY], stdin=subprocess.DEVNULL)
    while pids.read_text().count("\n") < 3:
        time.sleep(0.02)


def main(words: list[str]) -> int:
    """Behave as told; in a session of its own if the starter asks for it, as the engine does."""
    worker = Worker(words)
    if os.environ.get("BRAINFM_OWN_SESSION") and hasattr(os, "setsid") and os.getsid(0) != os.getpid():
        os.setsid()
    return BEHAVIOURS[worker.options.behaviour](worker)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
