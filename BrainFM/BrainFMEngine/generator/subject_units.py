"""How a subject's maps are stored as small numbers. Torch-free."""

from __future__ import annotations

COARSE_STEP = 3
"""Atlas coordinates are kept of every so many voxels."""
DISTANCE_SCALE, DISTANCE_OFFSET = 20.0, 128.0
"""Distances are kept as `mm * DISTANCE_SCALE + DISTANCE_OFFSET`."""
