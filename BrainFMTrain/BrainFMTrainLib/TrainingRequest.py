"""What the form asks for, as arguments of `brainfm train`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from BrainFMEngine.training.run_folder import STATE_NAME
from slicer.i18n import tr as _

_BAD_CHARACTERS = r'[<>:"/\\|?*\x00-\x1f]'


@dataclass(frozen=True)
class TrainingRequest:
    """A training to start.

    Attributes:
        dataset: folder that "brainfm prepare" made, None if it is not chosen.
        runsFolder: folder that holds runs, None if it is not chosen.
        name: of the run's own folder in there.
        recipe, preset: the engine's names; a recipe may be a .json file, which says everything.
        start: model whose weights it begins with; "" as the recipe says.
        steps: how many; None as the preset says.
        seed: of weights and samples; None as the recipe says.
        minutes: after which it stops, saved; None without a limit.
        device: the engine's name of it, or "auto".
        keepRunning: whether it goes on when Slicer closes.
    """

    dataset: Path | None
    runsFolder: Path | None
    name: str
    recipe: str = "brainfm"
    preset: str = "compact"
    start: str = ""
    steps: int | None = None
    seed: int | None = 1
    minutes: float | None = None
    device: str = "auto"
    keepRunning: bool = False

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        assert self.runsFolder is not None
        return self.runsFolder / self.name

    def problem(self) -> str:
        """Return why it cannot be started, "" if it can."""
        if self.dataset is None:
            return _("Choose the folder of a prepared data set.")
        if self.runsFolder is None:
            return _("Choose a folder for the runs.")
        if not self.recipe or (self.recipe.endswith(".json") and not Path(self.recipe).is_file()):
            return _("Choose the file of the recipe.")
        if not self.name or re.search(_BAD_CHARACTERS, self.name) or self.name.strip(". ") != self.name:
            return _("Give the run a name that a folder can have.")
        if (self.folder / STATE_NAME).exists():
            return _("There is a run of this name already. Choose another name, or resume it below.")
        return ""

    def arguments(self) -> list[str]:
        """Return the arguments that start it."""
        values = {"seed": self.seed, "steps": self.steps}
        changes = [f"{key}={value}" for key, value in values.items() if value is not None]
        settings = [word for change in changes for word in ("--set", change)]
        begin = ["--start", self.start] if self.start else []
        recipe = ["--recipe", self.recipe, "--preset", self.preset]
        return ["train", str(self.dataset), "-o", str(self.folder), *recipe, *settings, *begin, *self._how()]

    def estimateArguments(self) -> list[str]:
        """Return the arguments that only tell what it will need."""
        return [*self.arguments(), "--estimate"]

    def resumeArguments(self, folder: Path) -> list[str]:
        """Return the arguments that continue the run in a folder, with its own recipe."""
        return ["train", str(self.dataset), "-o", str(folder), "--resume", *self._how()]

    def _how(self) -> list[str]:
        limit = ["--minutes", f"{self.minutes:g}"] if self.minutes is not None else []
        own = [] if self.keepRunning else ["--stdin"]
        return [*limit, "--device", self.device, "--progress", "json", *own]
