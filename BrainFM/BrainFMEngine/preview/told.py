"""Who is told what a preview does, and may break it off."""

from __future__ import annotations

from collections.abc import Callable

from BrainFMEngine.progress import SilentProgress


class Superseded(Exception):
    """The request is not wanted any more: a newer one came, or somebody took it back."""


class Told(SilentProgress):
    """Progress of one request: passes on what happens, and raises Superseded between two stages.

    Args:
        on_stage: called with the name of a stage and how much of the request is done.
        on_warning: called with a sentence.
        is_wanted: whether the request is still wanted.
        anatomy_is_wanted: whether its anatomy is, be it for the next request; as `is_wanted` if not given.
    """

    def __init__(
        self,
        on_stage: Callable[[str, float], None] = lambda name, fraction: None,
        on_warning: Callable[[str], None] = lambda message: None,
        is_wanted: Callable[[], bool] = lambda: True,
        anatomy_is_wanted: Callable[[], bool] | None = None,
    ):
        super().__init__()
        self._on_stage, self._on_warning, self._is_wanted = on_stage, on_warning, is_wanted

        self._anatomy_is_wanted = anatomy_is_wanted or is_wanted

    def for_anatomy(self) -> Told:
        """Return who is told while the anatomy is read: that goes on as long as somebody wants it."""
        return Told(self._on_stage, self.warning, self._anatomy_is_wanted)

    def stage(self, name: str, fraction: float) -> None:
        """Pass the stage on; raise Superseded if the request is not wanted any more."""
        self.check()
        self._on_stage(name, fraction)

    def warning(self, message: str) -> None:
        """Pass the warning on, the first time."""
        if message not in self.warnings:
            super().warning(message)
            self._on_warning(message)

    def check(self) -> None:
        """Raise Superseded if the request is not wanted any more."""
        if not self._is_wanted():
            raise Superseded
