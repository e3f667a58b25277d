"""Which models there are, and getting, importing and deleting them. Weights are only read in a child process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from BrainFMEngine.models import listing, store
from slicer.i18n import tr as _

from BrainFMLib.EngineProcess import EngineProcess, Outcome

_ENGINE_HINT = "brainfm models import FILE"
_MEGABYTE = 1e6

ProgressCallback = Callable[[str, float], None]
FinishedCallback = Callable[[Outcome], None]


@dataclass(frozen=True)
class ModelRow:
    """What users read about one model.

    Attributes:
        name: what runs are told.
        title, description: for people.
        state: "bundled", "installed", "missing" or "damaged".
        tasks: the engine's names of the tasks it offers.
        sizeBytes: on disk; of a missing one roughly; None if not known.
        licence, trainedOn: of the weights, in words.
        problem: why it is damaged, else "".
        downloadable, removable: what can be done with it.
        url, sha256: of the download, or of the weights that are here.
        evidence: who vouches for the file.
        folder: where it is, None if it is missing.
        card: what one should know before using it: keys of the engine's `models.card.TITLES` and texts.
    """

    name: str
    title: str
    description: str
    state: str
    tasks: tuple[str, ...]
    sizeBytes: int | None
    licence: str
    trainedOn: str
    problem: str
    downloadable: bool
    removable: bool
    url: str
    sha256: str
    evidence: str
    folder: Path | None
    card: tuple[tuple[str, str], ...] = ()


class ModelManager:
    """Lists models at once; downloads and imports one at a time, in the background.

    The callbacks are called on the GUI thread: `onProgress(text, fraction)` while it goes on, and once, at its end,
    `onFinished(outcome)` with state "done", "cancelled" or one of the failures, and what to do about them.

    Args:
        engine: runs the child process; a new EngineProcess if None.
    """

    def __init__(self, engine: EngineProcess | None = None):
        self._engine = engine or EngineProcess()

    def list(self) -> list[ModelRow]:
        """Return what is bundled, installed or could be downloaded; some milliseconds, nothing is loaded."""
        return [_rowOf(facts) for facts in listing.list_facts()]

    def folder(self) -> Path:
        """Return the folder of the user's models; it need not exist."""
        return store.models_folder()

    @property
    def busy(self) -> bool:
        """Whether a download or an import goes on."""
        return self._engine.running

    def download(
        self, name: str, onProgress: ProgressCallback | None = None, onFinished: FinishedCallback | None = None
    ) -> None:
        """Download a model of the catalogue, verify, convert and store it. What an earlier try got is not got again.

        Raises:
            RuntimeError: a download or an import goes on.
        """
        url = next((row.url for row in self.list() if row.name == name), "")
        self._start(["models", "download", name], onProgress, onFinished, url)

    def importFile(
        self,
        path: str | Path,
        onProgress: ProgressCallback | None = None,
        onFinished: FinishedCallback | None = None,
        name: str | None = None,
        title: str = "",
    ) -> None:
        """Check a checkpoint of the authors or a model folder, convert and store it; nothing in it is executed.

        Args:
            path: `.pth` file, model folder, or the model.safetensors in one; a training run gives its best weights.
            onProgress: see the class.
            onFinished: see the class.
            name: what it will be called; by default made from the file's name, with a number if that is taken.
            title: what users will read; "" as the file says.

        Raises:
            RuntimeError: a download or an import goes on.
        """
        name = name or store.free_name(store.default_name(path))
        titled = ["--title", title] if title else []
        self._start(["models", "import", str(path), "--name", name, *titled], onProgress, onFinished)

    def remove(self, name: str) -> None:
        """Delete an installed model.

        Raises:
            BrainFMError: it is bundled, not installed or cannot be deleted; `message` and `hint` say why.
        """
        store.remove_model(name)

    def cancel(self) -> None:
        """End what goes on; `onFinished` is called. A download goes on from there next time."""
        self._engine.cancel()

    def discard(self) -> None:
        """End what goes on, at once and silently: the module or Slicer is going away."""
        self._engine.discard()

    def _start(
        self,
        arguments: list[str],
        onProgress: ProgressCallback | None,
        onFinished: FinishedCallback | None,
        url: str = "",
    ) -> None:
        if self.busy:
            raise RuntimeError(_("Wait until the other model is here, or cancel it."))
        fraction = 0.0

        def onEvent(event: dict[str, Any]) -> None:
            nonlocal fraction
            fraction = float(event.get("fraction") or fraction)
            text = _textOf(event)
            if text and onProgress is not None:
                onProgress(text, fraction)

        def onEnd(outcome: Outcome) -> None:
            if onFinished is not None:
                onFinished(_explained(outcome, url))

        self._engine.onEvent, self._engine.onFinished = onEvent, onEnd
        self._engine.start([*arguments, "--progress", "json", "--stdin"])


def _rowOf(facts: listing.ModelFacts) -> ModelRow:
    return ModelRow(
        name=facts.name,
        title=facts.title,
        description=facts.description,
        state=facts.state,
        tasks=facts.tasks,
        sizeBytes=facts.size_bytes,
        licence=facts.licence,
        trainedOn=facts.trained_on,
        problem=facts.problem,
        downloadable=facts.downloadable,
        removable=facts.removable,
        url=facts.url,
        sha256=facts.sha256,
        evidence=facts.evidence,
        folder=Path(facts.folder) if facts.folder else None,
        card=facts.card,
    )


def _textOf(event: dict[str, Any]) -> str:
    """Return what users read while an event is the latest, "" for events that change nothing."""
    if event["event"] == "warning":
        return _("The connection was lost; trying again")
    if event["event"] != "progress":
        return ""
    stage, present, total = str(event.get("stage")), event.get("bytes"), event.get("bytes_total")
    if not stage.startswith("download"):
        return {"starting": _("Starting"), "done": _("Done")}.get(stage) or _("Checking and converting")
    megabytes = (present or 0) / _MEGABYTE
    if not total:
        return _("Downloading: {present:.0f} MB").format(present=megabytes)
    return _("Downloading: {present:.0f} of {total:.0f} MB").format(present=megabytes, total=total / _MEGABYTE)


def _explained(outcome: Outcome, url: str) -> Outcome:
    """Replace the hint of a failed download, which speaks of the command line, by what there is to press."""
    if url and _ENGINE_HINT in outcome.hint:
        hint = _(
            "Check the network and try again. Without a network, get {url} on another computer, bring the file here "
            "and press “Import file…”."
        )
        return replace(outcome, hint=hint.format(url=url))
    return outcome
