"""How a run of the engine ended, in a sentence and a hint: never an exit status alone. Knows nothing of Qt."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

MAX_KEPT = 200
"""Most warnings and errors that are kept."""
CANCELLED_CODE = 130
LAUNCHER_SAYS = "exit abnormally"
"""What PythonSlicer prints when the Python that it started crashed; it ends with code 1 itself."""
_FATAL = ("Fatal Python error", "Windows fatal exception")
_MEMORY = ("out of memory", "bad_alloc", "MemoryError", "Cannot allocate memory", "can't allocate memory")
_WINDOWS_MEMORY = (0xC0000017, 0xC000012D)
_KILLED = 9


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        state: "done", "failed", "cancelled", "crashed" or "did-not-start".
        code: the engine's exit code, or the number of the signal that ended it.
        message: what happened, a sentence without its final period; "" when all went well.
        hint: what can be done about it; may be empty.
        results: for each input "input", "code" and "folder" (None if it failed), from the engine's last line.
        warnings: sentences.
        seconds: how long it took.
        log: the last lines that the engine printed for people.
    """

    state: str
    code: int = 0
    message: str = ""
    hint: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    log: str = ""

    @property
    def sentence(self) -> str:
        """Message and hint as one text."""
        text = f"{self.message}. {self.hint}" if self.hint else self.message
        return text if not text or text.endswith((".", "?", "!")) else f"{text}."

    @property
    def details(self) -> str:
        """Everything, for a report to the developers."""
        head = f"{self.sentence}\n[{self.state}, {self.code}, {self.seconds:.1f} s]"
        return "\n\n".join(part for part in (head, "\n".join(self.warnings), self.log) if part)


@dataclass
class RunFacts:
    """What is known of a run; filled while it goes on.

    Attributes:
        finalEvent: name of the event that says it is complete; "" if exit code 0 says so.
        program: what was started.
        startProblem: why it could not be started; "" if it was.
        cancelled: whether the user asked for the end.
        signalled: whether a signal or an exception of the processor ended it; then `code` is its number.
    """

    finalEvent: str = "done"
    program: str = ""
    startProblem: str = ""
    cancelled: bool = False
    signalled: bool = False
    code: int = 0
    final: dict[str, Any] | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def note(self, event: dict[str, Any]) -> None:
        """Remember what an event says about the end."""
        kind = event["event"]
        if kind == self.finalEvent:
            self.final = event
        if kind == "error" and len(self.errors) < MAX_KEPT:
            self.errors.append(event)
        elif kind == "warning" and len(self.warnings) < MAX_KEPT:
            self.warnings.append(str(event.get("message", "")))


def outcomeOf(facts: RunFacts, seconds: float, log: str) -> Outcome:
    """Return how a run ended from what is known of it and the last lines of its log."""
    state, message, hint = _judge(facts, log)
    code = 0 if state == "done" else facts.code  # a crash after the end, while Python shuts down, harms nobody
    final = facts.final or {}
    results = final.get("results")
    results = [result for result in results if isinstance(result, dict)] if isinstance(results, list) else []
    return Outcome(state, code, message, hint, results, list(facts.warnings), seconds, log)


def _judge(facts: RunFacts, log: str) -> tuple[str, str, str]:
    if facts.startProblem:
        message = _("Python could not be started: {program} ({reason})")
        hint = _("Install Slicer again, or correct the environment variable BRAINFM_PYTHON if you have set it.")
        return "did-not-start", message.format(program=facts.program, reason=facts.startProblem), hint
    if facts.cancelled:
        return "cancelled", _("Cancelled"), ""
    if facts.final is not None:
        return _judgeFinal(facts, facts.final)
    if _hasCrashed(facts, log):
        return "crashed", *_crashSentence(facts, log)
    if facts.code == 0:
        if not facts.finalEvent:
            return "done", "", ""
        return "failed", _("The engine ended without a result"), _("The log may say why.")
    return "failed", *_failureSentence(facts, log)


def _judgeFinal(facts: RunFacts, final: dict[str, Any]) -> tuple[str, str, str]:
    code = final.get("code", 0)
    if code == CANCELLED_CODE:
        return "cancelled", _("The run was ended from outside"), ""
    if code:
        facts.code = facts.code or code
        return "failed", *_explained(facts.errors, code)
    for result in final.get("results") or []:
        folder = result.get("folder") if isinstance(result, dict) else None
        if folder and not Path(folder).is_dir():
            message = _("The engine said that it was done, but there are no results in {folder}").format(folder=folder)
            return "failed", message, _("Something may have removed them. Is the disk full?")
    return "done", "", ""


def _explained(errors: list[dict[str, Any]], code: int) -> tuple[str, str]:
    """Return the engine's own sentence, else ours for the code."""
    for error in errors:
        if error.get("message"):
            return str(error["message"]), str(error.get("hint") or "")
    return _codeSentence(code)


def _codeSentence(code: int) -> tuple[str, str]:
    """Return what an exit code of the engine means."""
    sentences = {
        2: (_("The engine refused the request or the input"), _("The log says why.")),
        3: (_("A file or folder could not be read or written"), _("Check free disk space and permissions.")),
        4: (_("The model was refused"), _("Download or import it again, or choose another.")),
        5: (
            _("The device is missing, or memory was not enough"),
            _("Choose another device, fewer tasks or a smaller model."),
        ),
    }
    unexplained = (
        _("The engine stopped and did not say why"),
        _("The log may say why."),
    )
    return sentences.get(code, unexplained)


def _failureSentence(facts: RunFacts, log: str) -> tuple[str, str]:
    """Return why a run failed that never came to its last line."""
    if facts.errors:
        return _explained(facts.errors, facts.code)
    missing = re.findall(r"No module named '([\w.]+)'", log)
    if missing:
        message = _("The Python package {name} is missing or damaged").format(name=missing[-1].split(".")[0])
        return message, _("Install or repair it under Setup.")
    told = re.findall(r"^error: (.+)$", log, re.MULTILINE)
    return (told[-1].rstrip("."), "") if told else _codeSentence(facts.code)


def _hasCrashed(facts: RunFacts, log: str) -> bool:
    if facts.signalled or _windowsCode(facts) >= 0xC0000000:
        return True
    return bool(facts.code) and (LAUNCHER_SAYS in log or any(text in log for text in _FATAL))


def _crashSentence(facts: RunFacts, log: str) -> tuple[str, str]:
    told = any(text in log for text in _FATAL)  # a process that is killed from outside has no time to say so
    killed = facts.code == _KILLED if facts.signalled else LAUNCHER_SAYS in log and not told
    memory = any(text in log for text in _MEMORY) or _windowsCode(facts) in _WINDOWS_MEMORY
    if memory or (killed and sys.platform != "win32"):
        message = _("The system ended the engine, probably because memory ran out")
        return message, _("Close other programs, or choose fewer tasks, the 1 mm grid or a smaller model.")
    what = _crashNumber(facts)
    message = _("The engine crashed ({what})").format(what=what) if what else _("The engine crashed")
    return message, _("The last lines of the log say where. Try the processor (cpu) as the device, or repair PyTorch.")


def _crashNumber(facts: RunFacts) -> str:
    if _windowsCode(facts) >= 0xC0000000:
        return _("code {number}").format(number=f"{_windowsCode(facts):#x}")
    return _("signal {number}").format(number=facts.code) if facts.signalled and facts.code else ""


def _windowsCode(facts: RunFacts) -> int:
    """Return the code as Windows means it, 0 elsewhere."""
    return facts.code & 0xFFFFFFFF if sys.platform == "win32" else 0
