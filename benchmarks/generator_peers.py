"""The nearest that MONAI and TorchIO offer: one deformed label map painted and corrupted several times, no targets.

Neither has distances, coordinates or images of the subject to deform here, and what they lack (integration of the
field, slice profiles) is left out in their favour. Install them in an environment of their own that has the engine:

    python -m venv peers && peers/bin/pip install -e . monai torchio && peers/bin/python benchmarks/generator.py
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Batch = Callable[[int], list]
PARTIAL_VOLUME = (0.4, 0.7)
"""Standard deviation in voxels of the blur between structures, as ours has it."""


def monai_batches(rows: Tensor, size: int, samples: int) -> Batch:
    """Return a function from a seed to painted images; rows are (X, Y, Z) uint8. Painting is ours: MONAI has none."""
    import monai.transforms as mt

    labels = rows[None].float()
    deform = mt.Rand3DElastic(
        sigma_range=(5, 8),
        magnitude_range=(100, 200),
        prob=1,
        rotate_range=[math.radians(15)] * 3,
        shear_range=[0.2] * 6,
        scale_range=[0.2] * 3,
        spatial_size=(size,) * 3,
        mode="nearest",
        padding_mode="zeros",
        device=rows.device,
    )
    flip = mt.RandFlip(prob=0.5, spatial_axis=0)
    corrupt = mt.Compose(
        [
            mt.RandGaussianSmooth(*[PARTIAL_VOLUME] * 3, prob=1),
            mt.RandAdjustContrast(prob=1, gamma=(0.8, 1.25)),
            mt.RandBiasField(prob=1, coeff_range=(-0.3, 0.3)),
            mt.RandSimulateLowResolution(prob=0.5, zoom_range=(0.2, 0.8), device=rows.device),
            mt.RandGaussianNoise(prob=1, std=15),
            mt.ScaleIntensity(),
        ]
    )

    def batch(seed: int) -> list:
        torch.manual_seed(seed)
        for step in (deform, flip, corrupt):
            step.set_random_state(seed)
        index = flip(deform(labels)).int().flatten()
        return [corrupt(paint(index).reshape(1, size, size, size)) for _ in range(samples)]

    return batch


def paint(index: Tensor) -> Tensor:
    """Draw a Gaussian for every row and a value for every voxel of (N,)."""
    means = 25 + 200 * torch.rand(256, device=index.device)
    stds = 5 + 20 * torch.rand(256, device=index.device)
    noise = torch.randn(index.shape, device=index.device)
    return (means[index] + stds[index] * noise).clamp_(min=0)


def torchio_batches(rows: Tensor, size: int, samples: int) -> Batch:
    """Return the same from TorchIO; its label map is cropped to the size of a sample beforehand."""
    import torchio as tio

    subject = tio.CropOrPad(size)(tio.Subject(labels=tio.LabelMap(tensor=rows[None])))
    deform = tio.Compose(
        [
            tio.RandomAffineElasticDeformation(
                affine_kwargs={"scales": 0.2, "degrees": 15}, elastic_kwargs={"num_control_points": 7}
            ),
            tio.RandomFlip(0),
        ]
    )
    paint_and_corrupt = tio.Compose(
        [
            tio.RandomLabelsToImage(label_key="labels", image_key="image"),
            tio.RandomBlur(PARTIAL_VOLUME),
            tio.RandomGamma(),
            tio.RandomBiasField(),
            tio.RandomAnisotropy(p=0.5),
            tio.RandomNoise(),
            tio.RescaleIntensity(),
        ]
    )

    def batch(seed: int) -> list:
        torch.manual_seed(seed)
        deformed = deform(subject)
        return [paint_and_corrupt(deformed)["image"].data for _ in range(samples)]

    return batch
