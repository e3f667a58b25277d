"""The files of a preview: uncompressed, so that they are read at once, and each complete when it has its name."""

from __future__ import annotations

from pathlib import Path

import torch

from BrainFMEngine.errors import FileAccessError
from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.generator.picture import sample_grid
from BrainFMEngine.generator.sample_files import write_target
from BrainFMEngine.generator.target_table import VISIBLE, target_row
from BrainFMEngine.image.write import write_image
from BrainFMEngine.preview.previewer import Drawn

IMAGE = "image"
"""Key of the sample itself among a sample's files; Brain-ID's guide of that name is `GUIDE`."""
GUIDE = "guide"


class PreviewFiles:
    """Writes the samples of one preview, and targets that they share only once.

    Args:
        folder: made if it is not there; the folder it is in must be.
        drawn: the mini-batch.
        targets: names of those that are written, where they are known.
    """

    def __init__(self, folder: Path, drawn: Drawn, targets: frozenset[str]):
        self.folder, self.targets, self.options = folder, targets, drawn.options
        self.grid = sample_grid(drawn.parameters[0], drawn.subject.affine_ras, drawn.centre_voxel)
        self.shared: dict[str, str] = {}
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            hint = "Check that the folder it is in exists, its permissions and the free space."
            raise FileAccessError(f"cannot write to {folder}: {error.strerror or error}", hint) from error

    def write(self, sample: Sample) -> dict[str, str]:
        """Write a sample; return kind -> absolute path of every file that belongs to it.

        Raises:
            FileAccessError: it cannot be written.
        """
        stem = f"sample-{sample.parameters.index}"
        image = self.folder / f"{stem}.nii"
        write_image(image, sample.image[0].cpu().numpy(), self.grid)
        files = {IMAGE: str(image.absolute())}
        targets = dict(sample.targets)
        if sample.visible is not None:
            targets[VISIBLE] = sample.visible[None].to(torch.uint8)
        for name, target in targets.items():
            row = target_row(name)
            if name in self.targets and row is not None:
                key = GUIDE if name == IMAGE else name
                files[key] = (
                    self._shared(name, target) if row.is_shared else self._write(f"{stem}_{name}", name, target)
                )
        return files

    @staticmethod
    def names_of(files: dict[str, str]) -> set[str]:
        """Return the targets among a sample's files."""
        return {IMAGE if kind == GUIDE else kind for kind in files if kind != IMAGE}

    def _shared(self, name: str, target: torch.Tensor) -> str:
        if name not in self.shared:
            self.shared[name] = self._write(f"target_{name}", name, target)
        return self.shared[name]

    def _write(self, stem: str, name: str, target: torch.Tensor) -> str:
        options: GeneratorOptions = self.options
        return str(write_target(self.folder / f"{stem}.nii", name, target, self.grid, options).absolute())
