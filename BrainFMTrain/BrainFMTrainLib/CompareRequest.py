"""Which two models are compared on what, as arguments of `brainfm compare`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slicer.i18n import tr as _


@dataclass(frozen=True)
class CompareRequest:
    """A comparison.

    Attributes:
        dataset: prepared data set, None if it is not chosen.
        subject: of it, "" for none.
        given: what the models see, as the engine calls it ("real T1").
        models: what the engine is told of the first and the second.
        titles: what users read of them.
        device: the engine's name of it, or "auto".
    """

    dataset: Path | None
    subject: str
    given: str
    models: tuple[str, str]
    titles: tuple[str, str]
    device: str = "auto"

    def problem(self) -> str:
        """Return why it cannot be made, "" if it can."""
        if self.dataset is None:
            return _("Choose a prepared data set under “Data set”.")
        if not self.subject or not self.given:
            return _("The data set has no subject that models could be tried on.")
        if not all(self.models):
            return _("There is no model to compare yet.")
        if self.models[0] == self.models[1]:
            return _("Choose two different models; those that you train are offered here, too.")
        return ""

    def arguments(self, folder: Path) -> list[str]:
        """Return what follows `python -m BrainFMEngine`; the results go into the folder."""
        about = ["--data", str(self.dataset), "--subject", self.subject, "--input", self.given]
        how = ["--device", self.device, "--uncompressed", "--progress", "json", "--stdin"]
        return ["compare", *self.models, *about, "-o", str(folder), *how]
