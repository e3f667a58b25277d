"""A batch of samples in one picture: a column per sample, mild to severe, a row per orientation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.generator.parameters import SampleParameters
from BrainFMEngine.generator.wording import worded
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.outputs.palette import GREY, colours
from BrainFMEngine.outputs.views import field_size_mm, plan_views

COLUMN_PIXELS = 360
GAP, EDGE, HEADER, LINE = 10, 24, 64, 24
BACKGROUND, TEXT, FAINT, MARK = (15, 17, 21), (236, 238, 242), (150, 156, 166), (255, 196, 87)
K_SPACE_ARTEFACTS = ("ghosting", "gibbs", "spikes")
ARTEFACTS = {
    "ghosting": "ghosts",
    "gibbs": "ringing",
    "spikes": "stripes",
    "field_of_view": "a cut edge",
    "background": "haze",
    "defacing": "the face removed",
}


def draw_samples(samples: Sequence[Sample], grid: Grid, title: str) -> Image.Image:
    """Draw the samples side by side with what was drawn for each.

    Args:
        samples: of one batch.
        grid: the one they lie on.
        title: above everything.
    """
    head = samples[0].head.cpu().numpy()
    views = plan_views(head, grid, COLUMN_PIXELS / field_size_mm(head, grid))
    notes = [describe(sample.parameters) for sample in samples]
    heights = [view.points_ras.shape[0] for view in views]
    below = LINE * max(map(len, notes)) + EDGE
    width = 2 * EDGE + len(samples) * (COLUMN_PIXELS + GAP) - GAP
    sheet = Image.new("RGB", (width, HEADER + sum(heights) + GAP * len(heights) + below), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    pen.text((EDGE, 18), title, font=ImageFont.load_default(26), fill=TEXT)
    for column, (sample, lines) in enumerate(zip(samples, notes, strict=True)):
        left, top = EDGE + column * (COLUMN_PIXELS + GAP), HEADER
        image = sample.image[0].cpu().numpy()
        for view, height in zip(views, heights, strict=True):
            tile = colours(view.read(image, grid, 0.0, "linear"), 0.0, 1.0, GREY)
            pen.rectangle((left, top, left + COLUMN_PIXELS - 1, top + height - 1), fill=(0, 0, 0))
            sheet.paste(Image.fromarray(tile), (left + (COLUMN_PIXELS - tile.shape[1]) // 2, top))
            if column == 0:
                _mark_sides(pen, view.marks, left, top + height // 2)
            top += height + GAP
        for number, line in enumerate(lines):
            colour = TEXT if number == 0 else FAINT
            pen.text((left, top + LINE * number), line, font=ImageFont.load_default(18), fill=colour)
    return sheet


def describe(parameters: SampleParameters) -> list[str]:
    """Return which sample it is, and its `summary`, in a few short lines."""
    kind, *others = summary(parameters)
    return [f"{parameters.index}: {kind}, severity {parameters.severity:.2f}", *others]


def summary(parameters: SampleParameters) -> list[str]:
    """Return what was drawn for a sample, and shows in it, in a few short lines; its contrast first."""
    corruption = parameters.corruption
    painted = parameters.contrast
    contrast = f"real {parameters.input}" if painted is None else worded("contrast.kind", painted.kind)
    resolution = worded("corruption.resolution.kind", corruption.resolution.kind)
    surroundings = worded("extracerebral.mode", parameters.extracerebral.mode)
    spacing = " x ".join(f"{value:.1f}" for value in corruption.resolution.spacing_mm)
    bias = "" if parameters.is_ct else f", bias {corruption.bias.std:.2f}"
    lines = [
        contrast,
        f"{resolution}, {spacing} mm",
        f"noise {corruption.noise.std:.1f}{bias}, gamma {corruption.gamma.exponent:.2f}",
        surroundings + (", mirrored" if parameters.deformation.flip else ""),
    ]
    if parameters.mixup is not None:
        lines.append("mixed: " + ", ".join(f"{name} {weight:.0%}" for name, weight in parameters.mixup.weights.items()))
    names = [name for name in ARTEFACTS if not (parameters.is_ct and name in K_SPACE_ARTEFACTS)]
    extra = [ARTEFACTS[name] for name in names if getattr(corruption, name) is not None]
    extra += ["a lesion"] if parameters.pathology is not None else []
    return [*lines, "with " + ", ".join(extra)] if extra else lines


def _mark_sides(pen: ImageDraw.ImageDraw, marks: tuple[str, str], left: int, middle: int) -> None:
    font = ImageFont.load_default(22)
    pen.text((left + 5, middle), marks[0], font=font, fill=MARK, anchor="lm")
    pen.text((left + COLUMN_PIXELS - 5, middle), marks[1], font=font, fill=MARK, anchor="rm")


def sample_grid(parameters: SampleParameters, affine_ras: np.ndarray, centre_voxel: np.ndarray) -> Grid:
    """Return where an undeformed sample would lie in the subject's RAS space.

    Args:
        parameters: of the sample.
        affine_ras: (4, 4) of the subject's 1 mm grid.
        centre_voxel: (3,) subject voxel that samples are centred on.
    """
    affine = affine_ras @ np.diag([parameters.spacing_mm] * 3 + [1.0])
    middle = (np.array(parameters.shape) - 1) / 2
    affine[:3, 3] = affine_ras[:3, :3] @ centre_voxel + affine_ras[:3, 3] - affine[:3, :3] @ middle
    return Grid(parameters.shape, affine)
