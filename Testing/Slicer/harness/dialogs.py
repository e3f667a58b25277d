"""Questions to the user, and what would open other programs: a test answers them, nothing ever waits.

    dialogs.answer(qt.QMessageBox.Yes)          the next question is answered so; a function gets the question
    dialogs.asked                               what was asked, in order
    dialogs.opened                              addresses handed to QDesktopServices.openUrl

A question without an answer raises UnexpectedQuestion: in Slicer it would block, in a test it would hang.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from PySide6 import QtGui, QtWidgets

NOTHING = {"getOpenFileNames": (), "getOpenFileName": "", "getSaveFileName": "", "getExistingDirectory": ""}
MESSAGES = ("question", "information", "warning", "critical")


class UnexpectedQuestion(AssertionError):
    """The code under test opened a dialog that the test knows nothing of."""


@dataclass(frozen=True)
class Question:
    """What the user would see: the kind of dialog, its texts, and the object when there is one."""

    kind: str
    texts: tuple[str, ...]
    dialog: object = None


class Dialogs:
    """Answers to come and questions so far."""

    def __init__(self):
        self.asked: list[Question] = []
        self.opened: list[str] = []
        self._answers: deque = deque()

    def answer(self, *answers) -> None:
        """Add answers for the next questions."""
        self._answers.extend(answers)

    def reset(self) -> int:
        """Forget everything; how many answers were never used."""
        left = len(self._answers)
        self._answers.clear()
        self.asked.clear()
        self.opened.clear()
        return left

    def ask(self, question: Question):
        """The answer to a question."""
        self.asked.append(question)
        if not self._answers:
            raise UnexpectedQuestion(f"{question.kind} {question.texts}")
        answer = self._answers.popleft()
        return answer(question) if callable(answer) else answer


dialogs = Dialogs()


def install() -> None:
    """Replace what waits for the user. Static functions return what PythonQt returns (a file name, not a pair)."""
    QtWidgets.QMenu.exec = QtWidgets.QMenu.exec_ = _choose
    for cls in (QtWidgets.QDialog, QtWidgets.QMessageBox, QtWidgets.QFileDialog, QtWidgets.QProgressDialog):
        cls.exec = cls.exec_ = _run
    for name in MESSAGES:
        setattr(QtWidgets.QMessageBox, name, staticmethod(_asker(f"QMessageBox.{name}")))
    for name in NOTHING:
        setattr(QtWidgets.QFileDialog, name, staticmethod(_asker(f"QFileDialog.{name}")))
    for name in ("getText", "getItem", "getInt", "getDouble", "getMultiLineText"):
        setattr(QtWidgets.QInputDialog, name, staticmethod(_asker(f"QInputDialog.{name}")))
    QtGui.QDesktopServices.openUrl = staticmethod(_open)


def _run(self, *ignored):
    texts = [self.windowTitle]
    if isinstance(self, QtWidgets.QMessageBox):
        texts += [self.text, self.informativeText, self.detailedText]
    return dialogs.ask(Question(type(self).__name__, tuple(texts), self))


def _choose(self, *ignored):
    """What the user takes from a menu: the answer is the text of an entry."""
    answer = dialogs.ask(Question("QMenu", tuple(action.text for action in self.actions()), self))
    chosen = next((action for action in self.actions() if action.text == answer), None)
    if chosen is not None:
        chosen.trigger()
    return chosen


def _asker(kind: str):
    def ask(_parent=None, *arguments):
        return dialogs.ask(Question(kind, tuple(text for text in arguments if isinstance(text, str))))

    return ask


def _open(url) -> bool:
    dialogs.opened.append(url.toString())
    return True
