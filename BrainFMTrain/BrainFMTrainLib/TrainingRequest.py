"""What the form asks for, as arguments of `brainfm train`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from BrainFMTrainLib.Recipes import needsAges, needsModel
from BrainFMTrainLib.RunPlace import placeProblem

RANDOM_WEIGHTS = "*"
"""Stands for no model at all; no model can have this name."""
FILE_SUFFIX = ".json"
_PICKLES = (".pth", ".pt", ".ckpt", ".bin", ".pkl", ".tar")


@dataclass(frozen=True)
class TrainingRequest:
    """A training to start.

    Attributes:
        dataset: folder that "brainfm prepare" made, None if it is not chosen.
        runsFolder: folder that holds runs, None if it is not chosen.
        name: of the run's own folder in there.
        recipe, preset: the engine's names; a recipe may be a .json file, which says everything.
        start: model whose weights it begins with: a name, a folder, a run; "" as the recipe says; `RANDOM_WEIGHTS`;
            None if one is to be chosen and is not.
        steps: how many; None as the preset says.
        seed: of weights and samples; None as the recipe says.
        minutes: after which it stops, saved; None without a limit.
        device: the engine's name of it, or "auto".
        keepRunning: whether it goes on when Slicer closes.
        changes: path in the recipe -> value, as `brainfm train --set` takes them.
        wrong: what is wrong with the settings, in a sentence; "" for nothing that is known.
        needsModel, needsAges: of the recipe; None where only its name tells.
    """

    dataset: Path | None
    runsFolder: Path | None
    name: str
    recipe: str = "brainfm"
    preset: str = "compact"
    start: str | None = ""
    steps: int | None = None
    seed: int | None = None
    minutes: float | None = None
    device: str = "auto"
    keepRunning: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)
    wrong: str = ""
    needsModel: bool | None = None
    needsAges: bool | None = None

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        assert self.runsFolder is not None
        return self.runsFolder / self.name

    def problem(self) -> str:
        """Return why it cannot be started, "" if it can."""
        if self.dataset is None:
            return _("Choose the folder of a prepared data set.")
        return self.recipeProblem() or placeProblem(self.runsFolder, self.name)

    def recipeProblem(self) -> str:
        """Return what cannot be trained like this, wherever it goes; "" if it can."""
        if not self.recipe:
            return _("Choose the file of the recipe.")
        if self.recipe.endswith(FILE_SUFFIX) and not Path(self.recipe).is_file():
            return _("There is no {path}. Choose the file of the recipe again.").format(path=self.recipe)
        return self._modelProblem() or self._agesProblem() or self.wrong

    def arguments(self) -> list[str]:
        """Return the arguments that start it."""
        values = {key: value for key, value in (("seed", self.seed), ("steps", self.steps)) if value is not None}
        values |= self.changes
        if self.start == RANDOM_WEIGHTS:
            values["start.model"] = None
        changes = [f"{key}={json.dumps(value)}" for key, value in values.items()]
        settings = [word for change in changes for word in ("--set", change)]
        begin = ["--start", self.start] if self.start and self.start != RANDOM_WEIGHTS else []
        recipe = ["--recipe", self.recipe, "--preset", self.preset]
        how = ["--follow", *self._how()]
        return ["train", str(self.dataset), "-o", str(self.folder), *recipe, *settings, *begin, *how]

    def estimateArguments(self) -> list[str]:
        """Return the arguments that only tell what it will need."""
        return [*self.arguments(), "--estimate"]

    def resumeArguments(self, folder: Path) -> list[str]:
        """Return the arguments that continue the run in a folder, with its own recipe and data set."""
        dataset = [str(self.dataset)] if self.dataset is not None else []
        return ["train", *dataset, "-o", str(folder), "--resume", *self._how()]

    def _modelProblem(self) -> str:
        if self.start is None:
            return _("Choose the model that training begins with.")
        if Path(self.start).suffix.lower() in _PICKLES:
            text = _("{file} has to be imported once: in the module BrainFM, under “Model”.")
            return text.format(file=Path(self.start).name)
        if self.start not in ("", RANDOM_WEIGHTS) and len(Path(self.start).parts) > 1 and not Path(self.start).exists():
            return _("There is no {path}. Choose the model again.").format(path=self.start)
        needed = needsModel(self.recipe, self.preset) if self.needsModel is None else self.needsModel
        if needed and self.start == RANDOM_WEIGHTS:
            return _(
                "This recipe adapts a model: choose which. With random weights, take the recipe “From scratch” of the "
                "same task."
            )
        if needed and self.start == "" and not self.changes.get("start.model") and self._namesNoModel():
            return _("This recipe adapts a model: choose which under “Adapts”.")
        return ""

    def _namesNoModel(self) -> bool:
        """Whether neither the published recipe nor a file of one says which model."""
        if not self.recipe.endswith(FILE_SUFFIX):
            return self.preset == "paper"
        try:
            record = json.loads(Path(self.recipe).read_text(encoding="utf-8-sig"))
            return not record["start"]["model"]
        except (OSError, ValueError, KeyError, TypeError):
            return False  # the engine tells what is wrong with the file

    def _agesProblem(self) -> str:
        needed = needsAges(self.recipe) if self.needsAges is None else self.needsAges
        ages = self.changes.get("data.ages")
        if ages and not Path(str(ages)).is_file():
            return _("There is no file of ages at {path}.").format(path=ages)
        if needed and not ages and not self.recipe.endswith(FILE_SUFFIX):
            return _("Brain age is learnt from ages: choose the file that has them.")
        return ""

    def _how(self) -> list[str]:
        limit = ["--minutes", f"{self.minutes:g}"] if self.minutes is not None else []
        own = [] if self.keepRunning else ["--stdin"]
        return [*limit, "--device", self.device, "--progress", "json", *own]
