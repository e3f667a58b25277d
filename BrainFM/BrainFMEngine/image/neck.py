"""Where the neck begins: networks learn from heads, and label much of a long neck as brain.

The crown is not taken as the highest voxel, since a head holder or an antenna may lie above it, but from the highest
slice that is as wide as a head. In 16 label maps of adult heads the lowest point of the brain, brain stem included, was
133 to 153 mm below that slice.
"""

from __future__ import annotations

import numpy as np

from BrainFMEngine.image.head import Box

WIDE_MM2 = 6000.0
"""Area of a head about 12 mm below its crown."""
BRAIN_MM = 160.0
"""What is kept below the highest slice of that area."""


def without_neck(box: Box, mask: np.ndarray, spacing_mm: float) -> tuple[Box, np.ndarray]:
    """Raise the lower end of a head's box so that the neck stays outside.

    Args:
        box: of the head, RAS axes.
        mask: (X, Y, Z) bool of the head, inside the box.
        spacing_mm: of both.

    Returns:
        The box and the mask inside it; unchanged where the box ends higher, or no slice is wide.
    """
    wide = np.flatnonzero(np.count_nonzero(mask, axis=(0, 1)) * spacing_mm**2 >= WIDE_MM2)
    if not wide.size:
        return box, mask
    below = int(wide[-1]) + 1 - round(BRAIN_MM / spacing_mm)
    if below <= 0:
        return box, mask
    x, y, z = box.start
    return Box((x, y, z + below), box.stop), mask[:, :, below:]
