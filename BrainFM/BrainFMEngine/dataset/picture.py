"""A small picture of a subject: three planes of each scan, and of its labels. Torch-free."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from BrainFMEngine.dataset.files import write_file
from BrainFMEngine.dataset.folder import DatasetFolder
from BrainFMEngine.dataset.subject_arrays import IMAGE_PREFIX, find_scheme, mask_of, shape_of
from BrainFMEngine.errors import InputImageError
from BrainFMEngine.generator.labels import LabelScheme
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.outputs.palette import GREY, colours, label_overlay
from BrainFMEngine.outputs.views import View, field_size_mm, plan_views

VIEW_PIXELS, GAP, LETTER = 130, 4, 12
BACKGROUND, TEXT = (15, 17, 21), (236, 238, 242)
ORDER = ("T1", "T2", "FLAIR", "CT")
WINDOW, CT_WINDOW = (0.0, 1.2), (-0.05, 0.12)
"""Scans are stored relative to nominal values, CT in 1000 HU."""


def write_picture(folder: Path, name: str, path: Path) -> None:
    """Write the picture of a subject as PNG; the file appears complete or not at all.

    Raises:
        UsageError: there is no such subject.
        InputImageError: it is damaged.
        FileAccessError: its files cannot be read, or the picture not be written.
    """
    stream = BytesIO()
    draw_subject(DatasetFolder(folder), name).save(stream, format="PNG")
    write_file(path, stream.getbuffer())


def draw_subject(dataset: DatasetFolder, name: str) -> Image.Image:
    """Draw a subject: a row a scan, and one for its labels; the patient's right is on the left."""
    info, arrays = dataset.info(name), dataset.arrays(name)
    scheme = find_scheme(info.scheme)
    rows = arrays.get("rows")
    if rows is not None and int(rows.max()) >= len(scheme):
        raise InputImageError(f"{name} has labels that {scheme.name} does not know", "Check the dataset.")
    grid = Grid(shape_of(arrays), np.eye(4))  # its axes run to R, A and S; how the head lay does not matter here
    mask = _middle(arrays, scheme)
    views = plan_views(mask, grid, VIEW_PIXELS / field_size_mm(mask, grid))
    sheets = [
        (contrast, [_scan(view, arrays[IMAGE_PREFIX + contrast], grid, contrast) for view in views])
        for contrast in ORDER
        if IMAGE_PREFIX + contrast in arrays
    ]
    if rows is not None:
        behind = sheets[0][1] if sheets else None
        sheets.append(("labels", _labels(views, scheme.ids[rows], grid, behind)))
    return _arranged(sheets, views)


def _middle(arrays: dict[str, np.ndarray], scheme: LabelScheme) -> np.ndarray:
    """Return what the planes go through the middle of, (X, Y, Z) bool."""
    mask = mask_of(arrays)
    if mask is not None and mask.any():
        return mask
    if "rows" in arrays:
        brain = scheme.brain[arrays["rows"]]
        return brain if brain.any() else arrays["rows"] > 0
    image = next(arrays[key] for key in arrays if key.startswith(IMAGE_PREFIX)).astype(np.float32)
    return image > image.min() + 0.1 * np.ptp(image)


def _scan(view: View, image: np.ndarray, grid: Grid, contrast: str) -> np.ndarray:
    values = np.nan_to_num(view.read(image.astype(np.float32), grid, float(image.min()), "linear"))
    return colours(values, *(CT_WINDOW if contrast == "CT" else WINDOW), GREY)


def _labels(
    views: tuple[View, ...], labels: np.ndarray, grid: Grid, behind: list[np.ndarray] | None
) -> list[np.ndarray]:
    planes = [view.read(labels.astype(np.float32), grid, 0.0, "nearest").astype(np.int64) for view in views]
    grounds = behind or [np.zeros((*plane.shape, 3), np.uint8) for plane in planes]
    return [label_overlay(ground, plane) for ground, plane in zip(grounds, planes, strict=True)]


def _arranged(sheets: list[tuple[str, list[np.ndarray]]], views: tuple[View, ...]) -> Image.Image:
    heights = max(view.points_ras.shape[0] for view in views)
    widths = [view.points_ras.shape[1] for view in views]
    size = (sum(widths) + GAP * (len(views) + 1), len(sheets) * (heights + GAP) + GAP)
    sheet = Image.new("RGB", size, BACKGROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(LETTER)
    for number, (title, planes) in enumerate(sheets):
        top, left = GAP + number * (heights + GAP), GAP
        for view, plane in zip(views, planes, strict=True):
            sheet.paste(Image.fromarray(plane), (left, top + (heights - plane.shape[0]) // 2))
            if number == 0:
                pen.text((left + 2, top + heights // 2), view.marks[0], font=font, fill=TEXT)
            left += plane.shape[1] + GAP
        pen.text((GAP + 2, top + 1), title, font=font, fill=TEXT)
    return sheet
