"""What the user chose: saved with the scene, and bound to the form's widgets by their SlicerParameterName."""

from __future__ import annotations

import enum

from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import parameterNodeWrapper

TASK_GROUPS = {
    "contrasts": ("t1", "t2", "flair", "ct"),
    "anatomy": ("seg",),
    "distance": ("distance",),
    "bias": ("bias",),
    "registration": ("registration",),
}
"""Tick box -> the engine's task names."""

DEFAULT_MODEL = "compact"


class Grid(enum.Enum):
    """Where the results lie."""

    NATIVE = "native"
    ONE_MM = "1mm"

    def label(self) -> str:
        """What users read."""
        return {Grid.NATIVE: _("On the scan's own grid"), Grid.ONE_MM: _("On a 1 mm grid")}[self]


class Modality(enum.Enum):
    """What kind of scan it is."""

    AUTO = "auto"
    MR = "mr"
    CT = "ct"

    def label(self) -> str:
        """What users read."""
        return {Modality.AUTO: _("As recognised"), Modality.MR: _("MR"), Modality.CT: _("CT")}[self]


class ResultMode(enum.Enum):
    """What happens to earlier results of the same scan."""

    UPDATE = "update"
    NEW = "new"

    def label(self) -> str:
        """What users read."""
        return {
            ResultMode.UPDATE: _("Replaces the scan's earlier results"),
            ResultMode.NEW: _("Makes new results beside them"),
        }[self]


@parameterNodeWrapper
class BrainFMParameterNode:
    """The module's parameters.

    Attributes:
        inputVolume: the scan.
        contrasts, anatomy, distance, bias, registration: the tick boxes of `TASK_GROUPS`.
        surfaces: also make cortical surfaces.
        model: name of the model, as the engine knows it.
        device: "auto", "cpu", "cuda:0", "mps"...
        grid, modality, flip, resultMode: see their types; flip averages with the mirrored scan.
        showResults: switch to a layout when results are ready.
        remembered: False until the user's last choices were taken over from the settings.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    contrasts: bool = True
    anatomy: bool = True
    distance: bool = True
    bias: bool = True
    registration: bool = True
    surfaces: bool = True
    model: str = DEFAULT_MODEL
    device: str = "auto"
    grid: Grid = Grid.NATIVE
    modality: Modality = Modality.AUTO
    flip: bool = False
    resultMode: ResultMode = ResultMode.UPDATE
    showResults: bool = True
    remembered: bool = False


def selectedGroups(parameters: BrainFMParameterNode) -> tuple[str, ...]:
    """Return the ticked task groups."""
    return tuple(name for name in TASK_GROUPS if getattr(parameters, name))
