"""What is wrong with a data set: `brainfm prepare --check` in the background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from BrainFMLib.EngineProcess import EngineProcess, Outcome
from BrainFMLib.EngineRun import MAX_OF_A_KIND
from BrainFMLib.Widgets.Texts import megabytes, sentence
from slicer.i18n import tr as _

MOST_NAMED = 3
"""So many subjects that a general problem is about are named."""


@dataclass
class CheckResult:
    """What a check found.

    Attributes:
        outcome: how the check itself ended.
        done: whether it looked at everything.
        general: sentences about the data set as a whole.
        ofSubject: subject -> sentences.
        wrong: subjects that cannot be used.
        count: of all problems.
        needs: memory and disk that training will need, in words; "" if the check did not come so far.
    """

    outcome: Outcome
    done: bool
    general: list[str] = field(default_factory=list)
    ofSubject: dict[str, list[str]] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)
    count: int = 0
    needs: str = ""

    def sentence(self) -> str:
        """Return the result in a sentence."""
        if not self.done:
            return _("The check was cancelled.") if self.outcome.state == "cancelled" else self.outcome.sentence
        if not self.count:
            return " ".join([_("Nothing is wrong: the data set is ready for training."), self.needs]).strip()
        text = _("Number of problems: {problems}; of subjects that cannot be used: {wrong}.")
        general = map(sentence, self.general)
        return " ".join([text.format(problems=self.count, wrong=len(self.wrong)), *general, self.needs]).strip()


class DatasetCheck:
    """One check at a time.

    Attributes:
        makeEngine: makes the child process.
    """

    def __init__(self) -> None:
        self.makeEngine: Callable[[], EngineProcess] = EngineProcess
        self._engine: EngineProcess | None = None

    @property
    def running(self) -> bool:
        """Whether a check goes on."""
        return self._engine is not None

    def start(
        self, folder: Path, onProgress: Callable[[float, str], None], onFinished: Callable[[CheckResult], None]
    ) -> None:
        """Check a data set.

        Args:
            folder: of the data set.
            onProgress: called with the fraction done and what is looked at.
            onFinished: called with the result.
        """
        self.discard()
        engine = self._engine = self.makeEngine()
        told: list[tuple[str, str]] = []
        warnings = 0
        facts: dict[str, dict[str, Any]] = {}

        def onEvent(event: dict[str, Any]) -> None:
            nonlocal warnings
            kind = event["event"]
            warnings += kind == "warning"
            if kind == "progress":
                onProgress(float(event.get("total") or 0.0), str(event.get("stage") or ""))
            elif kind in ("warning", "error"):
                told.append((str(event.get("message") or ""), str(event.get("hint") or "")))
            elif kind in ("done", "needs"):
                facts[kind] = event

        def onEnd(outcome: Outcome) -> None:
            self._engine = None
            result = _resultOf(outcome, told, facts)
            if warnings >= MAX_OF_A_KIND:
                text = _("There may be more warnings than the {n} that are shown.")
                result.general.append(text.format(n=MAX_OF_A_KIND))
                result.count += 1
            onFinished(result)

        engine.onEvent, engine.onFinished = onEvent, onEnd
        engine.start(["prepare", str(folder), "--check", "--progress", "json"])

    def cancel(self) -> None:
        """End the check; `onFinished` is called."""
        if self._engine is not None:
            self._engine.cancel()

    def discard(self) -> None:
        """End it silently."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.discard()


def _resultOf(outcome: Outcome, told: list[tuple[str, str]], facts: dict[str, dict[str, Any]]) -> CheckResult:
    results = facts.get("done", {}).get("results")
    done = outcome.state != "cancelled" and bool(results)
    result = CheckResult(outcome, done, needs=_needsSentence(facts.get("needs")))
    names = {str(entry["input"]): entry.get("code") for entry in results or () if isinstance(entry, dict)}
    result.wrong = {name for name, code in names.items() if code}
    for message, hint in told:
        about, colon, rest = message.partition(": ")
        isKnown = bool(colon) and about in names
        text = " ".join(f"{part.rstrip('.')}." for part in (rest if isKnown else message, hint) if part)
        if isKnown:
            result.ofSubject.setdefault(about, []).append(text)
        else:
            result.general.append(text)
    result.count = len(result.general) + sum(map(len, result.ofSubject.values()))
    result.general = together(result.general)
    return result


def together(sentences: list[str]) -> list[str]:
    """Say once what is said of many names, as "name: what is wrong"."""
    names: dict[str, list[str]] = {}
    for text in sentences:
        name, colon, rest = text.partition(": ")
        isName = bool(colon) and " " not in name
        names.setdefault(rest if isName else text, []).extend([name] if isName else [])
    return [f"{_listed(about)}: {rest}" if about else rest for rest, about in names.items()]


def _listed(names: list[str]) -> str:
    text = ", ".join(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return _("{names} and {n} more").format(names=text, n=more) if more > 0 else text


def _needsSentence(needs: dict[str, Any] | None) -> str:
    """Return memory and disk in words, for the preset that needs least."""
    if not needs:
        return ""
    size = {key: megabytes(float(needs.get(key) or 0)) for key in ("subjects", "memory_free", "dataset", "disk_free")}
    text = _(
        "Training keeps {subjects} of subjects in memory ({memory_free} are free); the data set takes {dataset} of "
        "disk ({disk_free} are free)."
    )
    return text.format(**size)
