"""What can be known about a sample beside its image: one row a target, and what it is in files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Display = Literal["grey", "ct", "labels", "signed_mm", "coordinates", "logarithm", "fraction"]


@dataclass(frozen=True)
class Target:
    """One row.

    Attributes:
        name: in `Sample.targets`, and of the file.
        title: what people read.
        display: how it is shown.
        is_shared: whether all samples of a batch have it in common.
        unit: of the values in files; "" for none.
        factor: from the unit of the raw head to that of files.
        components: what each of several values a voxel is.
        needs: what the subject or the sample must have, in words; "" for nothing.
    """

    name: str
    title: str
    display: Display
    is_shared: bool
    unit: str = ""
    factor: float = 1.0
    components: tuple[str, ...] = ()
    needs: str = ""


SURFACE_TITLES = ("Left pial", "Left white", "Right pial", "Right white")
SCAN = "a scan of this contrast, or painted targets"
CLEAN, DEFORMATION_GRID, VISIBLE = "clean", "deformation_grid", "visible"
"""Made for people to look at; networks do not learn them."""

TARGETS = (
    Target("segmentation", "Anatomy", "labels", True, needs="labels of both sides"),
    Target("distance", "Cortical distances", "signed_mm", True, "mm", 1.0, SURFACE_TITLES, "both hemispheres"),
    Target("registration", "Atlas coordinates", "coordinates", True, "mm", 100.0, ("x", "y", "z"), "a brain"),
    Target(DEFORMATION_GRID, "Deformation grid", "labels", True),
    Target(CLEAN, "Clean image", "grey", False),
    Target("bias_field_log", "Bias field", "logarithm", False, needs="an MR sample"),
    Target("high_res_residual", "Lost detail", "grey", False),
    Target(VISIBLE, "What is visible", "labels", False, needs="a sample that was cropped or defaced"),
    Target("T1", "T1w", "grey", True, needs=SCAN),
    Target("T2", "T2w", "grey", True, needs=SCAN),
    Target("FLAIR", "FLAIR", "grey", True, needs=SCAN),
    Target("CT", "CT", "ct", True, "HU", 1000.0, needs=SCAN),
    Target("image", "T1w relative to white matter", "grey", True, needs="a T1w scan and labels"),
    Target("pathology", "Lesion", "fraction", True, needs="a lesion"),
)


def target_row(name: str) -> Target | None:
    """Return the row of a target, None if there is none."""
    return next((row for row in TARGETS if row.name == name), None)
