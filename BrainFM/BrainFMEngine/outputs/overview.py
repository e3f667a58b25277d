"""The overview picture: every result in three views on one dark sheet, with its main numbers; read in ten seconds."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from BrainFMEngine.anatomy.structures import structures
from BrainFMEngine.outputs.foreground import scan_foreground
from BrainFMEngine.outputs.palette import colours
from BrainFMEngine.outputs.panels import Panel, PanelMaker, Scale
from BrainFMEngine.outputs.qc import QualityControl
from BrainFMEngine.outputs.registration import Registration
from BrainFMEngine.outputs.views import View, field_size_mm, plan_views

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

_COLUMN_PIXELS, _LARGEST_COLUMN_PIXELS = 236, 400
_GAP, _EDGE, _ROW_NAMES = 8, 28, 34
_HEADER, _TITLES, _LEGEND = 100, 40, 222
_SMALLEST_WIDTH = 1500
_BACKGROUND, _TILE, _LINE = (15, 17, 21), (0, 0, 0), (46, 50, 58)
_TEXT, _FAINT, _MARK = (236, 238, 242), (150, 156, 166), (255, 196, 87)
_VERDICT_COLOURS = {"pass": (60, 170, 100), "check": (222, 160, 40), "fail": (214, 70, 66)}
_SWATCHES = (2, 3, 4, 8, 10, 11, 12, 13, 16, 17, 18)


def draw_overview(
    prediction: Prediction, registration: Registration | None, quality: QualityControl, title: str
) -> Image.Image:
    """Draw the sheet: a column per result, a row per view, and a strip of colour bars and numbers."""
    mask = prediction.brain_mask
    if mask is None or not mask.any():
        mask = scan_foreground(prediction)
    draft = plan_views(mask, prediction.grid, 0.1)
    column = _column_pixels(len(list(PanelMaker(prediction, registration, draft).panels())))
    views = plan_views(mask, prediction.grid, column / field_size_mm(mask, prediction.grid))
    panels = list(PanelMaker(prediction, registration, views).panels())
    return _Sheet(views, panels, column).draw(title, _numbers(prediction, quality), quality)


def _column_pixels(count: int) -> int:
    """Few columns are drawn larger, to fill a sheet of the smallest width."""
    room = (_SMALLEST_WIDTH - 2 * _EDGE - _ROW_NAMES) // count - _GAP
    return min(max(room, _COLUMN_PIXELS), _LARGEST_COLUMN_PIXELS)


def _numbers(prediction: Prediction, quality: QualityControl) -> list[tuple[str, str]]:
    measured = quality.measurements
    shape, spacing = prediction.grid.shape, prediction.grid.spacing_mm
    numbers = []
    if measured.brain_volume_l is not None:
        numbers.append(("Intracranial volume", f"{measured.brain_volume_l * 1000:.0f} ml"))
    if measured.mean_confidence is not None:
        numbers.append(("Label confidence", f"{measured.mean_confidence:.0%}"))
    if measured.affine_residual_mm is not None:
        numbers.append(("Atlas off affine", f"{measured.affine_residual_mm:.1f} mm"))
    numbers.append(("Grid", f"{' x '.join(map(str, shape))}, {' x '.join(f'{s:.3g}' for s in spacing)} mm"))
    if prediction.model is not None:
        numbers.append(("Model", _drawable(str(prediction.model.name), 40)))
    return numbers


class _Sheet:
    """The picture being drawn."""

    def __init__(self, views: Sequence[View], panels: Sequence[Panel], column: int):
        self._views, self._panels, self._column = views, panels, column
        self._left = _EDGE + _ROW_NAMES
        content = len(panels) * (self._column + _GAP) - _GAP
        width = max(self._left + content + _EDGE, _SMALLEST_WIDTH)
        self._heights = [view.points_ras.shape[0] for view in views]
        self._bottom = _HEADER + _TITLES + sum(self._heights) + _GAP * len(views)
        self._image = Image.new("RGB", (width, self._bottom + _LEGEND), _BACKGROUND)
        self._pen = ImageDraw.Draw(self._image)

    def draw(self, title: str, numbers: Sequence[tuple[str, str]], quality: QualityControl) -> Image.Image:
        """Draw everything and return the picture."""
        self._draw_header(title, quality)
        self._draw_tiles()
        self._draw_legend(numbers)
        return self._image

    def _draw_header(self, title: str, quality: QualityControl) -> None:
        width = self._image.width
        self._text((_EDGE, 16), _drawable(title, 70), 34, _TEXT)
        reason = quality.findings[0] if quality.findings else "nothing unusual found"
        more = f"  (+{len(quality.findings) - 1} more)" if len(quality.findings) > 1 else ""
        self._text((_EDGE, 58), _drawable(f"Quality: {reason}{more}", 110), 22, _FAINT)
        box = (width - _EDGE - 130, 20, width - _EDGE, 66)
        self._pen.rounded_rectangle(box, 10, fill=_VERDICT_COLOURS[quality.verdict])
        self._text((width - _EDGE - 65, 43), quality.verdict.upper(), 24, (255, 255, 255), "mm")

    def _draw_tiles(self) -> None:
        top = _HEADER + _TITLES
        for row, (view, height) in enumerate(zip(self._views, self._heights, strict=True)):
            self._draw_row_name(view.name, top, height)
            for column, panel in enumerate(self._panels):
                left = self._left + column * (self._column + _GAP)
                self._draw_tile(view, panel.pictures[row], left, top, height, first=column == 0)
            top += height + _GAP
        for column, panel in enumerate(self._panels):
            middle = self._left + column * (self._column + _GAP) + self._column // 2
            self._text((middle, _HEADER + _TITLES // 2 - 2), panel.title, 24, _TEXT, "mm")

    def _draw_row_name(self, name: str, top: int, height: int) -> None:
        strip = Image.new("RGB", (height, 26), _BACKGROUND)
        ImageDraw.Draw(strip).text((height // 2, 12), name, font=_font(22), fill=_FAINT, anchor="mm")
        self._image.paste(strip.rotate(90, expand=True), (_EDGE, top))

    def _draw_tile(self, view: View, picture: np.ndarray, left: int, top: int, height: int, first: bool) -> None:
        self._pen.rectangle((left, top, left + self._column - 1, top + height - 1), fill=_TILE)
        self._image.paste(Image.fromarray(picture), (left + (self._column - picture.shape[1]) // 2, top))
        if first:
            middle = top + height // 2
            self._text((left + 5, middle), view.marks[0], 24, _MARK, "lm", outline=2)
            self._text((left + self._column - 5, middle), view.marks[1], 24, _MARK, "rm", outline=2)

    def _draw_legend(self, numbers: Sequence[tuple[str, str]]) -> None:
        top = self._bottom + 10
        self._pen.line((_EDGE, top, self._image.width - _EDGE, top), fill=_LINE, width=1)
        left = _EDGE
        for name, value in numbers:
            self._text((left, top + 12), name, 20, _FAINT)
            self._text((left, top + 38), value, 30, _TEXT)
            left += max(_width(name, 20), _width(value, 30)) + 56
        left = _EDGE
        for scale in _scales(self._panels):
            left = self._draw_scale(scale, left, top + 98)
        if any(panel.title == "Anatomy" for panel in self._panels):
            self._draw_swatches(left, top + 98)
        notice = (
            "Research use only. Radiological view: the patient's left (L) is on the right; sagittal: nose to the left."
        )
        self._text((_EDGE, top + 178), notice, 20, _FAINT)

    def _draw_scale(self, scale: Scale, left: int, top: int) -> int:
        width = 270
        ramp = colours(np.tile(np.linspace(0, 1, width), (14, 1)), 0.0, 1.0, scale.stops)
        self._text((left, top), scale.title, 19, _TEXT)
        self._image.paste(Image.fromarray(ramp), (left, top + 26))
        for text, place, anchor in zip(scale.ticks, (0, width // 2, width), ("la", "ma", "ra"), strict=True):
            self._text((left + place, top + 44), text, 17, _FAINT, anchor)
        return left + width + 44

    def _draw_swatches(self, left: int, top: int) -> None:
        shown = [structures()[label] for label in _SWATCHES]
        names = [structure.name.removeprefix("Left-").replace("-", " ") for structure in shown]
        x, y = left, top
        for structure, name in zip(shown, names, strict=True):
            width = 26 + _width(name, 19) + 26
            if x + width > self._image.width - _EDGE:
                x, y = left, y + 32
            self._pen.rounded_rectangle((x, y + 3, x + 17, y + 20), 3, fill=structure.colour)
            self._text((x + 25, y), name, 19, _TEXT)
            x += width

    def _text(
        self,
        place: tuple[float, float],
        text: str,
        size: int,
        colour: tuple[int, int, int],
        anchor: str = "la",
        outline: int = 0,
    ) -> None:
        black = (0, 0, 0)
        self._pen.text(
            place, text, font=_font(size), fill=colour, anchor=anchor, stroke_width=outline, stroke_fill=black
        )


def _scales(panels: Sequence[Panel]) -> list[Scale]:
    return list(dict.fromkeys(panel.scale for panel in panels if panel.scale is not None))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _width(text: str, size: int) -> int:
    return int(_font(size).getlength(text))


def _drawable(text: str, length: int) -> str:
    """Return at most `length` characters that Pillow's own font has; accents are dropped, the rest becomes "?"."""
    letters = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    plain = "".join(letters).encode("ascii", "replace").decode("ascii")
    return plain if len(plain) <= length else plain[: length - 3] + "..."
