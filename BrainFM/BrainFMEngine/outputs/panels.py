"""The columns of the overview: for each task that ran, one picture per view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from BrainFMEngine.outputs.bias import corrected
from BrainFMEngine.outputs.palette import GREY, RATIO, SIGNED_DISTANCE, Stops, colours, label_overlay
from BrainFMEngine.outputs.registration import Registration
from BrainFMEngine.outputs.segmentation import segmentation_asked
from BrainFMEngine.outputs.views import Interpolation, View
from BrainFMEngine.tasks import TASKS

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

_CT_WINDOW_HU = (-20.0, 100.0)
_DISTANCE_WINDOW_MM = (-3.0, 3.0)
_SMALLEST_BIAS_SPAN = 0.1
_SQUARE_MM = 24.0


@dataclass(frozen=True)
class Scale:
    """A colour bar: what it shows, its colours, and what is written at its left end, middle and right end."""

    title: str
    stops: Stops
    ticks: tuple[str, str, str]


@dataclass(frozen=True)
class Panel:
    """A column: title, one RGB picture (height, width, 3) uint8 per view, and the colour bar it needs, if any."""

    title: str
    pictures: tuple[np.ndarray, ...]
    scale: Scale | None = None


class PanelMaker:
    """Cuts everything that a prediction has along the same views."""

    def __init__(self, prediction: Prediction, registration: Registration | None, views: tuple[View, ...]):
        self._prediction = prediction
        self._registration = registration
        self._views = views
        mask = prediction.brain_mask
        self._brain = [cut > 0 for cut in self._cut(mask, 0.0, "nearest")] if mask is not None else None

    def panels(self) -> Iterator[Panel]:
        """Yield the columns from left to right."""
        yield Panel("Scan", self._scan())
        yield from self._contrasts()
        yield from self._anatomy()
        yield from self._distances()
        yield from self._bias()
        yield from self._atlas()

    def _cut(self, array: np.ndarray, outside: float, mode: Interpolation = "linear") -> list[np.ndarray]:
        return [view.read(array, self._prediction.grid, outside, mode) for view in self._views]

    def _scan(self) -> tuple[np.ndarray, ...]:
        conformed = self._prediction.conformed
        cuts = self._cut(self._prediction.image, conformed.intensity_low)
        if conformed.modality == "ct":
            return self._windowed(cuts, *_CT_WINDOW_HU)
        return self._grey(cuts)

    def _contrasts(self) -> Iterator[Panel]:
        for task in TASKS:
            for entry in task.maps:
                if entry.name not in self._prediction.maps or entry.display not in ("grey", "ct"):
                    continue
                cuts = self._cut(self._prediction.maps[entry.name], task.outside)
                pictures = self._windowed(cuts, *_CT_WINDOW_HU) if entry.display == "ct" else self._grey(cuts)
                yield Panel(entry.title, pictures, _hounsfield_scale() if entry.display == "ct" else None)

    def _anatomy(self) -> Iterator[Panel]:
        if self._prediction.labels is not None and segmentation_asked(self._prediction):
            cuts = self._cut(self._prediction.labels, 0.0, "nearest")
            yield Panel("Anatomy", tuple(map(label_overlay, self._scan(), cuts)))

    def _distances(self) -> Iterator[Panel]:
        ticks = ("-3 mm inside", "0", "outside 3 mm")
        scale = Scale("Cortical distance", SIGNED_DISTANCE, ticks)
        for title, names in (("Pial surface", ("lp", "rp")), ("White surface", ("lw", "rw"))):
            maps = [self._prediction.maps[name] for name in names if name in self._prediction.maps]
            if maps:
                cuts = [np.minimum.reduce(sides) for sides in zip(*(self._cut(one, 3.0) for one in maps), strict=True)]
                pictures = tuple(colours(cut, *_DISTANCE_WINDOW_MM, SIGNED_DISTANCE) for cut in cuts)
                yield Panel(title, pictures, scale)

    def _bias(self) -> Iterator[Panel]:
        if "biasfield" not in self._prediction.maps:
            return
        field = self._prediction.maps["biasfield"]
        cuts = [np.log(np.maximum(cut, 1e-3)) for cut in self._cut(field, 1.0)]
        span = max(_SMALLEST_BIAS_SPAN, float(np.percentile(np.abs(np.concatenate([c.ravel() for c in cuts])), 99)))
        scale = Scale("Bias field (factor)", RATIO, (f"{np.exp(-span):.2f}", "1", f"{np.exp(span):.2f}"))
        yield Panel("Bias field", tuple(colours(cut, -span, span, RATIO) for cut in cuts), scale)
        if self._prediction.conformed.modality != "ct":
            image = corrected(self._prediction.image, field)
            yield Panel("Corrected scan", self._grey(self._cut(image, self._prediction.conformed.intensity_low)))

    def _atlas(self) -> Iterator[Panel]:
        if self._registration is None:
            return
        atlas = self._grey(self._cut(self._registration.atlas, 0.0))
        synthetic = self._prediction.maps.get("T1w")
        name, scan = ("scan", self._scan()) if synthetic is None else ("T1w", self._grey(self._cut(synthetic, 0.0)))
        boards = [_checkerboard(view) for view in self._views]
        pictures = tuple(np.where(b[..., None], a, s) for b, a, s in zip(boards, atlas, scan, strict=True))
        yield Panel(f"{name} | atlas", pictures)

    def _grey(self, cuts: list[np.ndarray]) -> tuple[np.ndarray, ...]:
        """Window so that the brain uses the range; bright fat may saturate."""
        everything = np.concatenate([cut.ravel() for cut in cuts])
        low, high = np.percentile(everything, [1.0, 99.7])
        if self._brain is not None and any(brain.any() for brain in self._brain):
            brain = np.concatenate([cut[inside] for cut, inside in zip(cuts, self._brain, strict=True)])
            high = low + 1.1 * (np.percentile(brain, 99.5) - low)
        return self._windowed(cuts, float(low), float(high))

    def _windowed(self, cuts: list[np.ndarray], low: float, high: float) -> tuple[np.ndarray, ...]:
        return tuple(colours(cut, low, high, GREY) for cut in cuts)


def _hounsfield_scale() -> Scale:
    low, high = _CT_WINDOW_HU
    return Scale("CT", GREY, (f"{low:.0f}", "40", f"{high:.0f} HU"))


def _checkerboard(view: View) -> np.ndarray:
    height, width = view.points_ras.shape[:2]
    spacing_mm = float(np.linalg.norm(view.points_ras[0, 1] - view.points_ras[0, 0]))
    rows, columns = ((np.arange(n) * spacing_mm // _SQUARE_MM).astype(int) for n in (height, width))
    return (rows[:, None] + columns) % 2 == 0
