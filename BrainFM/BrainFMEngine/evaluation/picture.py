"""What a model gave above what it should have given: one sheet for one input, to look at during training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from BrainFMEngine.anatomy.protocols import BRAINID_33
from BrainFMEngine.evaluation.maps import LABELS, Maps
from BrainFMEngine.image.volume import Grid, shape_3d
from BrainFMEngine.outputs.palette import GREY, RATIO, SIGNED_DISTANCE, colours, label_overlay
from BrainFMEngine.outputs.views import Interpolation, View, field_size_mm, plan_views
from BrainFMEngine.tasks import TASKS

COLUMN_PIXELS, GAP, EDGE, HEADER, TITLES, ROW_NAMES = 200, 6, 16, 48, 30, 28
BACKGROUND, TEXT, FAINT = (15, 17, 21), (236, 238, 242), (150, 156, 166)
CT_WINDOW_HU, DISTANCE_WINDOW_MM, ATLAS_REACH_MM = (-20.0, 100.0), (-3.0, 3.0), 100.0
SMALLEST_BIAS_SPAN = 0.1
ROWS = ("predicted", "target")
NO_LONGER_THAN = 90

Pictures = list[np.ndarray]


@dataclass(frozen=True)
class _Column:
    """One result: pictures (height, width, 3) uint8, a view each, predicted and target; either may be missing."""

    title: str
    predicted: Pictures | None
    target: Pictures | None


def draw_comparison(image: np.ndarray, made: Maps, truth: Maps, title: str) -> Image.Image:
    """Draw an input and every result, the prediction above the target, in an axial, a coronal and a sagittal plane.

    A pair shares one window, so that a difference in brightness shows.

    Args:
        image: (X, Y, Z), what the network was given, on a 1 mm RAS grid.
        made: what it gave; see `maps`.
        truth: what is known, on the same voxels.
        title: above everything.
    """
    grid = Grid(shape_3d(image.shape), np.eye(4))
    middle = _middle(image, truth)
    views = plan_views(middle, grid, COLUMN_PIXELS / field_size_mm(middle, grid))
    columns = list(_Cutter(image, grid, views).columns(made, truth))
    return _sheet(columns, [view.points_ras.shape[0] for view in views], title)


def _middle(image: np.ndarray, truth: Maps) -> np.ndarray:
    brain = np.isin(truth.get(LABELS, 0), BRAINID_33.ids[1:])
    return brain if brain.any() else image > 0


class _Cutter:
    """Cuts every volume along the same views."""

    def __init__(self, image: np.ndarray, grid: Grid, views: Sequence[View]):
        self._grid, self._views = grid, views
        self._input = self._grey([self._cut(image)])[0]

    def columns(self, made: Maps, truth: Maps) -> Iterator[_Column]:
        """Yield the columns from left to right."""
        yield _Column("input", self._input, None)
        for outside, entry in ((task.outside, entry) for task in TASKS for entry in task.maps):
            pair = [maps.get(entry.name) for maps in (made, truth)]
            present = [volume for volume in pair if volume is not None]
            if present:
                drawn = iter(self._draw(entry.display, present, outside))
                yield _Column(entry.title, *(None if volume is None else next(drawn) for volume in pair))

    def _draw(self, display: str, volumes: list[np.ndarray], outside: float) -> list[Pictures]:
        if display == "labels":
            return [list(map(label_overlay, self._input, self._cut(volume, nearest=True))) for volume in volumes]
        if display == "coordinates":
            return [self._coordinates(volume) for volume in volumes]
        cuts = [self._cut(volume, outside) for volume in volumes]
        if display == "ct":
            return [[colours(cut, *CT_WINDOW_HU, GREY) for cut in one] for one in cuts]
        if display == "signed_mm":
            return [[colours(cut, *DISTANCE_WINDOW_MM, SIGNED_DISTANCE) for cut in one] for one in cuts]
        return self._ratio(cuts) if display == "ratio" else self._grey(cuts)

    def _cut(self, volume: np.ndarray, outside: float = 0.0, nearest: bool = False) -> Pictures:
        mode: Interpolation = "nearest" if nearest else "linear"
        return [view.read(volume, self._grid, outside, mode) for view in self._views]

    def _grey(self, cuts: list[Pictures]) -> list[Pictures]:
        """Window by the last, the target where there is one."""
        values = np.concatenate([cut.ravel() for cut in cuts[-1]])
        low, high = (float(value) for value in np.percentile(values, [1.0, 99.7]))
        return [[colours(cut, low, high, GREY) for cut in one] for one in cuts]

    def _ratio(self, cuts: list[Pictures]) -> list[Pictures]:
        logarithms = [[np.log(np.maximum(cut, 1e-3)) for cut in one] for one in cuts]
        values = np.abs(np.concatenate([cut.ravel() for cut in logarithms[-1]]))
        span = max(SMALLEST_BIAS_SPAN, float(np.percentile(values, 99)))
        return [[colours(cut, -span, span, RATIO) for cut in one] for one in logarithms]

    def _coordinates(self, volume: np.ndarray) -> Pictures:
        """Show x, y and z as red, green and blue."""
        axes = [self._cut(volume[..., axis]) for axis in range(3)]
        lit = [np.clip(np.stack(parts, -1) / (2 * ATLAS_REACH_MM) + 0.5, 0, 1) for parts in zip(*axes, strict=True)]
        return [(255 * picture).astype(np.uint8) for picture in lit]


def _sheet(columns: Sequence[_Column], heights: Sequence[int], title: str) -> Image.Image:
    width = EDGE + ROW_NAMES + len(columns) * (COLUMN_PIXELS + GAP) - GAP + EDGE
    height = HEADER + TITLES + len(ROWS) * (sum(heights) + GAP * len(heights)) + EDGE
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    pen.text((EDGE, 12), _drawable(title), font=ImageFont.load_default(24), fill=TEXT)
    for number, column in enumerate(columns):
        left, top = EDGE + ROW_NAMES + number * (COLUMN_PIXELS + GAP), HEADER + TITLES
        place = (left + COLUMN_PIXELS // 2, HEADER + TITLES // 2)
        pen.text(place, column.title, font=ImageFont.load_default(18), fill=TEXT, anchor="mm")
        for view, tall in enumerate(heights):
            for name, pictures in zip(ROWS, (column.predicted, column.target), strict=True):
                if pictures is not None:
                    tile = pictures[view]
                    sheet.paste(Image.fromarray(tile), (left + (COLUMN_PIXELS - tile.shape[1]) // 2, top))
                if number == 0:
                    _row_name(sheet, name, top, tall)
                top += tall + GAP
    return sheet


def _row_name(sheet: Image.Image, name: str, top: int, height: int) -> None:
    strip = Image.new("RGB", (height, ROW_NAMES - 4), BACKGROUND)
    pen = ImageDraw.Draw(strip)
    pen.text((height // 2, 11), name, font=ImageFont.load_default(16), fill=FAINT, anchor="mm")
    sheet.paste(strip.rotate(90, expand=True), (EDGE, top))


def _drawable(text: str) -> str:
    """Return what Pillow's own font has, at most one line of it."""
    return text.encode("ascii", "replace").decode("ascii")[:NO_LONGER_THAN]
