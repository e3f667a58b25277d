"""The recipe that is being put together: which one, what is changed in it, and what the engine says of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from BrainFMLib.Widgets.Texts import sentence

from BrainFMTrainLib.RecipeFields import RecipeDescription, RecipeField
from BrainFMTrainLib.RecipeWorker import RecipeWorker

ASK_MS = 200
"""How long after the last change the engine is asked."""
START = "start.model"


class RecipeState:
    """A recipe of the engine or of a file, and values that differ from it.

    Attributes:
        worker: answers questions.
        description: the fields with the values of the recipe itself; None until the engine has told them.
        changes: path -> value.
        followed: path -> value of what changes because of them.
        problem: why the recipe cannot be as it is, in a sentence; "" if it can or is not known yet.
        needsModel, needsAges: None until the engine has told.
        listeners: called when anything is different.
    """

    def __init__(self) -> None:
        self.worker = RecipeWorker()
        self.description: RecipeDescription | None = None
        self.changes: dict[str, Any] = {}
        self.followed: dict[str, Any] = {}
        self.problem = ""
        self.needsModel: bool | None = None
        self.needsAges: bool | None = None
        self.listeners: list[Callable[[], None]] = []
        self._recipe, self._preset = "", ""
        self._known = False
        self._number = 0
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.interval = ASK_MS
        self._timer.timeout.connect(self._ask)

    @property
    def waiting(self) -> bool:
        """Whether the engine is about to be asked."""
        return self._timer.active

    def enable(self) -> None:
        """The engine can be asked from now on."""
        if not self._known:
            self._known = True
            self._timer.start()

    def stop(self) -> None:
        """Ask no more: the module is going away."""
        self._known = False
        self._timer.stop()
        self.worker.stop()

    def choose(self, recipe: str, preset: str) -> None:
        """Take another recipe; what is changed stays changed."""
        if (recipe, preset) == (self._recipe, self._preset):
            return
        self._recipe, self._preset = recipe, preset
        self.description, self.followed = None, {}
        self.needsModel = self.needsAges = None
        self._changed()

    def reload(self) -> None:
        """Read the recipe anew: its file has changed."""
        recipe, self._recipe = self._recipe, ""
        self.choose(recipe, self._preset)

    def set(self, path: str, value: Any) -> None:
        """Change a value; one that is the recipe's own is no change."""
        field = self.field(path)
        if field is not None and _same(field.value, value):
            self.unset(path)
        elif path not in self.changes or not _same(self.changes[path], value):
            self.changes[path] = value
            self._changed()

    def unset(self, path: str) -> None:
        """Let a value be the recipe's again."""
        if path in self.changes:
            del self.changes[path]
            self._changed()

    def reset(self, keep: tuple[str, ...] = ()) -> None:
        """Let all values be the recipe's again, but those at some paths."""
        if set(self.changes) - set(keep):
            self.changes = {path: value for path, value in self.changes.items() if path in keep}
            self._changed()

    def field(self, path: str) -> RecipeField | None:
        """Return a field, None if there is none or the engine has not told yet."""
        return self.description.field(path) if self.description is not None else None

    def value(self, path: str) -> Any:
        """Return the value that training would take."""
        if path in self.changes or path in self.followed:
            return self.changes.get(path, self.followed.get(path))
        field = self.field(path)
        return field.value if field is not None else None

    def isChanged(self, path: str) -> bool:
        """Return whether the user has changed a value."""
        return path in self.changes

    def save(self, path: str, onSaved: Callable[[str], None], onProblem: Callable[[str, str], None]) -> None:
        """Write the recipe with its changes to a file, in place of what is there.

        Args:
            path: of the file.
            onSaved: called with it.
            onProblem: called with message and hint instead.
        """
        request = {**self._request(), "save": path, "overwrite": True}
        self.worker.ask(request, lambda answer: onSaved(str(answer.get("saved") or path)), onProblem)

    def _request(self) -> dict[str, Any]:
        return {"recipe": self._recipe, "preset": self._preset, "changes": dict(self.changes), "follow": True}

    def _changed(self) -> None:
        self.problem = ""
        if self._known:
            self._timer.start()
        self._tell()

    def _ask(self) -> None:
        """Ask what the recipe is like; only the newest answer counts."""
        self._number += 1
        number = self._number
        if not self._recipe or not self._known:
            return
        request = {**self._request(), "describe": True}

        def onAnswer(answer: dict[str, Any]) -> None:
            if number == self._number:
                self._take(answer)

        def onProblem(message: str, hint: str) -> None:
            if number == self._number:
                self._takeProblem(message, hint)

        self.worker.ask(request, onAnswer, onProblem)

    def _take(self, answer: dict[str, Any]) -> None:
        self.description = RecipeDescription.fromEvent(answer)
        self.followed = dict(answer["followed"])
        self.needsModel, self.needsAges = bool(answer["needs_model"]), bool(answer["needs_ages"])
        self.problem = ""
        for path in [path for path, value in self.changes.items() if path != START and self._isOwn(path, value)]:
            del self.changes[path]
        self._tell()

    def _takeProblem(self, message: str, hint: str) -> None:
        if self.worker.fault:  # says nothing about the recipe
            self._tell()
            return
        self.problem = f"{sentence(message)} {sentence(hint)}".strip()
        if self.description is None and self.changes:
            self._askOwn()
        self._tell()

    def _askOwn(self) -> None:
        """What is wrong is in the changes: learn at least what the recipe itself says."""
        number = self._number

        def onAnswer(answer: dict[str, Any]) -> None:
            if number == self._number and self.description is None:
                self.description = RecipeDescription.fromEvent(answer)
                self.needsModel, self.needsAges = bool(answer["needs_model"]), bool(answer["needs_ages"])
                self._tell()

        self.worker.ask({**self._request(), "changes": {}, "describe": True}, onAnswer, lambda message, hint: None)

    def _isOwn(self, path: str, value: Any) -> bool:
        field = self.field(path)
        return field is not None and _same(field.value, value)

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener()


def _same(one: Any, other: Any) -> bool:
    """Return whether two values mean the same in a recipe."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return one == other and isinstance(one, bool) == isinstance(other, bool)
