"""The run that is selected, and those whose curves are laid over it; each is read a little at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from BrainFMTrainLib.RunFollower import SLICE_SECONDS, RunFollower

MOST_OVERLAID = 12
"""So many runs at once can be told apart, and read."""


class FollowedRuns:
    """Looks at several runs at the cost of two.

    Attributes:
        selected: the run that the panel tells about, None if there is none.
        changed: whether other curves are to be shown than before.
    """

    def __init__(self) -> None:
        self.selected: RunFollower | None = None
        self.changed = False
        self._overlaid: dict[Path, RunFollower] = {}
        self._turn = 0

    def select(self, folder: Path | None) -> None:
        """Tell about another run; None for none."""
        if folder == (self.selected.folder if self.selected is not None else None):
            return
        self.selected = None if folder is None else self._overlaid.get(folder) or RunFollower(folder)
        self.changed = True

    def overlay(self, folders: Iterable[Path]) -> None:
        """Lay the curves of these runs over those of the selected one."""
        wanted = list(dict.fromkeys(folders))[:MOST_OVERLAID]
        if wanted == list(self._overlaid):
            return
        known = {run.folder: run for run in self.all()}
        self._overlaid = {folder: known.get(folder) or RunFollower(folder) for folder in wanted}
        self.changed = True

    def all(self) -> list[RunFollower]:
        """Return the runs that are read, the selected one first."""
        selected = [self.selected] if self.selected is not None else []
        return [*selected, *(run for run in self._overlaid.values() if run not in selected)]

    def look(self) -> None:
        """Read what is new of the selected run and of one other, for some milliseconds."""
        runs = self.all()
        others = [run for run in runs if run is not self.selected]
        behind = [run for run in others if not run.caughtUp] or others
        if self.selected is not None:
            self.selected.look(SLICE_SECONDS / 2 if behind else SLICE_SECONDS)
        if behind:
            self._turn += 1
            behind[self._turn % len(behind)].look(SLICE_SECONDS / 2)
        for run in runs:
            self.changed = self.changed or run.changed
            run.changed = False

    @property
    def caughtUp(self) -> bool:
        """Whether everything that is there was read."""
        return all(run.caughtUp for run in self.all())
