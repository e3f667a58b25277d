"""The pictures of a run: one a validation, the newest of them kept."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from BrainFMEngine.durable_file import write_durably
from BrainFMEngine.training.checkpoints import step_name

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURES = "pictures"
KEPT = 20


def keep_picture(folder: Path, step: int, picture: Image) -> Path:
    """Write the picture of a step into a run's folder and delete the oldest beyond `KEPT`; return its path."""
    pictures = folder / PICTURES
    pictures.mkdir(exist_ok=True)  # not its parents: a run's folder that was deleted stays so
    stream = BytesIO()
    picture.save(stream, format="PNG")
    path = pictures / f"{step_name(step)}.png"
    write_durably(path, stream.getvalue())
    for old in sorted(pictures.glob("step-*.png"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path
