"""From values to colours, for the overview: grey windows, diverging maps and label colours, uint8 RGB."""

from __future__ import annotations

import numpy as np

from BrainFMEngine.anatomy.structures import structures

Stops = tuple[tuple[float, tuple[int, int, int]], ...]

# Brightest at 0, where the surface is; blue inside, red outside.
SIGNED_DISTANCE: Stops = (
    (0.0, (22, 46, 108)),
    (0.34, (58, 120, 200)),
    (0.5, (255, 250, 235)),
    (0.66, (190, 74, 58)),
    (1.0, (40, 13, 19)),
)
# Dark where nothing happens; cold where the scan is too dark, warm where it is too bright.
RATIO: Stops = (
    (0.0, (120, 220, 255)),
    (0.25, (40, 120, 190)),
    (0.5, (26, 26, 32)),
    (0.75, (200, 95, 30)),
    (1.0, (255, 225, 130)),
)
GREY: Stops = ((0.0, (0, 0, 0)), (1.0, (255, 255, 255)))

_BRAIN_OPACITY, _OTHER_OPACITY = 0.62, 0.25


def colours(values: np.ndarray, low: float, high: float, stops: Stops) -> np.ndarray:
    """Map values (...), `low` to `high`, to colours (..., 3) uint8 interpolated between `stops`."""
    place = np.clip((values - low) / max(high - low, 1e-12), 0.0, 1.0)
    positions = [position for position, _ in stops]
    channels = [np.interp(place, positions, [colour[k] for _, colour in stops]) for k in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def label_overlay(background: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Lay the colours of `labels` (...) over `background` (..., 3) uint8; tissues outside the brain only faintly."""
    result = background.astype(np.float32)
    for label in np.unique(labels).tolist():
        if label != 0 and label in structures():
            structure = structures()[label]
            opacity = _OTHER_OPACITY if structure.extracerebral else _BRAIN_OPACITY
            here = labels == label
            result[here] = (1 - opacity) * result[here] + opacity * np.array(structure.colour)
    return result.astype(np.uint8)
