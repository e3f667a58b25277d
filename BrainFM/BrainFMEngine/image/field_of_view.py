"""Doubts about what a scan shows: a head that is cut, too small, too large, or none at all."""

from __future__ import annotations

import numpy as np

from BrainFMEngine.image.head import Box

CUT_AREA_MM2 = 4500.0
"""A head cut through the crown by 10 mm shows about this much on the outermost slice; a whole one far less."""
DEPTH_MM = 2.0
SMALLEST_EXTENT_MM = (100.0, 120.0, 85.0)
HEAD_LITRES = (0.4, 15.0)
SIDES = (("left", "right"), ("back", "front"), ("bottom", "top"))
NECK = (2, 0)
"""Scans of the head always end there, at the axis and side of the neck."""


def field_of_view_warnings(image: np.ndarray, box: Box, mask: np.ndarray, spacing_mm: float) -> list[str]:
    """Compare the head with the borders of the scan.

    Args:
        image: (X, Y, Z) normalised, RAS axes, the whole field of view.
        box: of the head.
        mask: of the head, inside the box.
        spacing_mm: of both.
    """
    if not mask.any():
        return ["no head was found in the image"]
    warnings = []
    sides = _cut_sides(image, box, mask, spacing_mm)
    if sides:
        warnings.append(f"the field of view cuts the head ({', '.join(sides)}); structures there are not reliable")
    extent_mm = [
        float(np.ptp(np.flatnonzero(mask.any(axis=other))) + 1) * spacing_mm for other in ((1, 2), (0, 2), (0, 1))
    ]
    if any(extent < smallest for extent, smallest in zip(extent_mm, SMALLEST_EXTENT_MM, strict=True)):
        text = " x ".join(f"{extent:.0f}" for extent in extent_mm)
        warnings.append(f"the image shows only {text} mm (left-right, back-front, bottom-top) of a head")
    litres = float(mask.sum()) * spacing_mm**3 / 1e6
    if not HEAD_LITRES[0] <= litres <= HEAD_LITRES[1]:
        warnings.append(f"what the image shows has {litres:.1f} litres; it does not look like a head")
    return warnings


def _cut_sides(image: np.ndarray, box: Box, mask: np.ndarray, spacing_mm: float) -> list[str]:
    """Return the sides on which much of the head lies at the border of the data (zeros around are no data)."""
    cut = []
    depth = round(DEPTH_MM / spacing_mm)
    for axis in range(3):
        filled = np.flatnonzero((image > 0).any(axis=tuple(a for a in range(3) if a != axis)))
        for side, index in enumerate((int(filled[0]) + depth, int(filled[-1]) - depth)):
            place = index - box.start[axis]
            if (axis, side) == NECK or not 0 <= place < mask.shape[axis]:
                continue
            if np.count_nonzero(mask.take(place, axis)) * spacing_mm**2 > CUT_AREA_MM2:
                cut.append(SIDES[axis][side])
    return cut
