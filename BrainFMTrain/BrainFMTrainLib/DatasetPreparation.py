"""A data set from a folder of scans: `brainfm prepare` in the background, and what it would find before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from BrainFMLib.EngineProcess import EngineProcess, Outcome
from slicer.i18n import tr as _


@dataclass(frozen=True)
class PreparationRequest:
    """What is asked for; see `brainfm prepare --help`."""

    source: Path | None = None
    output: Path | None = None
    layout: str = "auto"
    protocol: str = "compact-40"
    jobs: int = 1
    licence: str = ""

    def problem(self) -> str:
        """Return what is missing, "" if nothing is."""
        if self.source is None:
            return _("Choose the folder with the scans or label maps.")
        if self.output is None:
            return _("Choose a folder for the data set.")
        if not self.output.is_absolute():
            return _("Choose the folder for the data set with its whole path.")
        if self.output == self.source:
            return _("The data set needs a folder of its own.")
        return ""

    def listArguments(self) -> list[str]:
        """Return the command that only looks."""
        return ["prepare", str(self.source), "--list", "--layout", self.layout, "--progress", "json"]

    def arguments(self) -> list[str]:
        """Return the command that prepares."""
        words = ["prepare", str(self.source), "-o", str(self.output), "--layout", self.layout]
        words += ["--licence", self.licence] if self.licence else []
        return [*words, "--protocol", self.protocol, "--jobs", str(self.jobs), "--progress", "json"]


@dataclass
class PreparationResult:
    """How it ended.

    Attributes:
        outcome: of the process.
        there: how many subjects are in the data set now; `kept` of them were before.
        failed: subject -> why it is left out.
    """

    outcome: Outcome
    there: int = 0
    kept: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def sentence(self) -> str:
        """Return the result in words."""
        if self.outcome.state == "cancelled":
            return _("Cancelled. What is complete stays; “Prepare” goes on from there.")
        if not self.there and not self.failed:
            return self.outcome.sentence
        words = [_("Subjects in the data set: {n}.").format(n=self.there)]
        if self.kept:
            words.append(_("There already: {n}.").format(n=self.kept))
        if self.failed:
            words.append(_("Failed and left out: {n}.").format(n=len(self.failed)))
        return " ".join(words)


class DatasetPreparation:
    """One preparation at a time, and one look at a source.

    Attributes:
        onSource: called with the facts of a source: "layout", "subjects", "labels", "contrasts"; or "problem".
        onProgress: called with the fraction done and what is being done, with the subject's name.
        onFailure: called with the name of a subject that failed, and why.
        makeEngine: makes the child process.
    """

    def __init__(self) -> None:
        self.onSource: Callable[[dict[str, Any]], None] = lambda facts: None
        self.onProgress: Callable[[float, str], None] = lambda fraction, text: None
        self.onFailure: Callable[[str, str], None] = lambda name, reason: None
        self.makeEngine: Callable[[], EngineProcess] = EngineProcess
        self._engine: EngineProcess | None = None
        self._looker: EngineProcess | None = None

    @property
    def running(self) -> bool:
        """Whether a data set is being prepared."""
        return self._engine is not None

    @property
    def looking(self) -> bool:
        """Whether a source is being looked at."""
        return self._looker is not None

    def look(self, request: PreparationRequest) -> None:
        """Find out how a source is arranged and who is in it; a look that goes on is dropped."""
        self.lookAway()
        engine = self._looker = self.makeEngine()
        found: dict[str, Any] = {}

        def onEvent(event: dict[str, Any]) -> None:
            if event["event"] == "source":
                found.update(event)

        def onEnd(outcome: Outcome) -> None:
            self._looker = None
            self.onSource(found or {"problem": outcome.sentence})

        engine.onEvent, engine.onFinished = onEvent, onEnd
        engine.start(request.listArguments())

    def lookAway(self) -> None:
        """Do not wait for a look."""
        engine, self._looker = self._looker, None
        if engine is not None:
            engine.discard()

    def start(self, request: PreparationRequest, onFinished: Callable[[PreparationResult], None]) -> None:
        """Prepare, or go on with what is there.

        Raises:
            RuntimeError: one goes on.
        """
        if self._engine is not None:
            raise RuntimeError(_("A data set is being prepared already."))
        engine = self._engine = self.makeEngine()
        failed: dict[str, str] = {}

        def onEvent(event: dict[str, Any]) -> None:
            kind, name = event["event"], str(event.get("input") or "")
            if kind == "progress":
                stage = str(event.get("stage") or "")
                text = stage if name == str(request.source) else f"{name}: {stage}"
                self.onProgress(float(event.get("total") or 0.0), text)
            elif kind == "error" and name not in ("", str(request.source)):
                parts = (str(event.get(key) or "").rstrip(".") for key in ("message", "hint"))
                failed[name] = " ".join(f"{part}." for part in parts if part)
                self.onFailure(name, failed[name])

        def onEnd(outcome: Outcome) -> None:
            self._engine = None
            onFinished(_resultOf(outcome, failed))

        engine.onEvent, engine.onFinished = onEvent, onEnd
        engine.start(request.arguments())

    def cancel(self) -> None:
        """End the preparation with everything that came of it; what is complete stays."""
        if self._engine is not None:
            self._engine.cancel()

    def stop(self) -> None:
        """End everything silently."""
        self.lookAway()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.discard()


def _resultOf(outcome: Outcome, failed: dict[str, str]) -> PreparationResult:
    result = PreparationResult(outcome)
    for entry in outcome.results:
        name, state = str(entry.get("input")), entry.get("state")
        result.there += state in ("prepared", "kept")
        result.kept += state == "kept"
        if state == "failed":
            result.failed[name] = failed.get(name, "")
    return result
