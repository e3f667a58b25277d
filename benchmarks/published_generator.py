"""What `generator.py` measures against: the operators of the published generator, in plain PyTorch.

A reference timing, written from the description of what BrainFM's public code does to make a mini-batch: the field is
the displacement itself; the box that it touches is taken from every volume; every target is sampled by itself,
gathering the eight corners of each voxel; the segmentation becomes one-hot; an image is painted before it is
deformed; coarse fields and thick slices are zoomed plane by plane. It reads volumes that are in memory already, draws
from the published ranges (severe), and leaves out lesions, mix-up and the defacing masks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.generator.labels import rows_to_channels
from BrainFMEngine.generator.subject import COARSE_STEP, DISTANCE_OFFSET, DISTANCE_SCALE, Subject
from torch import Tensor
from torch.nn import functional as F

LABELS = 256
FARTHEST_MM = 3.0
MIRRORED_DISTANCES = (2, 3, 0, 1)


class PublishedGenerator:
    """Mini-batches of one subject: `samples` images of `size` voxels along each axis, and the targets they share."""

    def __init__(self, subject: Subject, protocol: LabelProtocol, size: int, samples: int):
        self.size, self.samples, self.device = size, samples, subject.device
        self.labels = subject.rows.short()
        table = torch.from_numpy(rows_to_channels(subject.scheme, protocol)).to(self.device)
        self.segmentation = table[subject.rows.int()].to(torch.uint8)
        self.images = {name: (1000 * image.float()).short() for name, image in subject.images.items()}
        self.distances = subject.distance
        self.coordinates = _full_resolution(subject.atlas_mm, subject.shape)
        self.classes = torch.eye(len(protocol.ids), device=self.device)
        self.mirrored_classes = list(protocol.flip)

    def generate(self, seed: int) -> list[tuple[Tensor, dict[str, Tensor]]]:
        """Return images (X, Y, Z) with their targets."""
        torch.manual_seed(seed)
        positions, scale = draw_positions(self.labels.shape, self.size, self.device)
        flip = _uniform() < 0.5
        box, positions = touched_box(positions)
        shared = self._targets(box, positions, scale, flip)
        labels = self.labels[box].float()
        return [self._sample(labels, positions, flip, shared) for _ in range(self.samples)]

    def _targets(self, box: tuple, positions: list[Tensor], scale: float, flip: bool) -> dict[str, Tensor]:
        targets = {}
        for name, volume in self.images.items():
            image = linear(volume[box].float(), positions)
            targets[name] = image / 1000 if name == "CT" else (image - image.min()) / (image - image.min()).max()
        one_hot = self.classes[nearest(self.segmentation[box], positions).long()].permute(3, 0, 1, 2)
        targets["segmentation"] = one_hot[self.mirrored_classes] if flip else one_hot
        distances = []
        for volume in self.distances:
            distance = (volume[box].float() - DISTANCE_OFFSET) / DISTANCE_SCALE
            distance = linear(distance, positions, float(distance.max())) / scale
            distances.append(distance.clamp(-FARTHEST_MM, FARTHEST_MM))
        targets["distance"] = torch.stack([distances[i] for i in MIRRORED_DISTANCES] if flip else distances)
        coordinates = [linear(volume[box].float() / 10000, positions) for volume in self.coordinates]
        coordinates[0] = -coordinates[0] if flip else coordinates[0]
        targets["registration"] = torch.stack(coordinates)
        return {name: _mirrored(target, flip) for name, target in targets.items()}

    def _sample(
        self, labels: Tensor, positions: list[Tensor], flip: bool, shared: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        image = linear(paint(labels), positions)
        image = 300 * (image / 300) ** math.exp(0.1 * torch.randn(()).item())
        nodes = max(1, round(_uniform(0.02, 0.04) * self.size))
        bias_log = zoom(_uniform(0.1, 0.6) * torch.randn((nodes,) * 3, device=self.device), image.shape)
        sharp = image * bias_log.exp()
        image = degrade(sharp)
        residual = sharp / sharp.max() - image / image.max()
        image = image / image.max()
        own = {"bias_field_log": _mirrored(bias_log, flip), "high_res_residual": _mirrored(residual, flip)}
        return _mirrored(image, flip), shared | own


def draw_positions(volume: Sequence[int], size: int, device: torch.device) -> tuple[list[Tensor], float]:
    """Return the source voxel of each sample voxel along three axes, each (X, Y, Z), and the distance scale."""
    matrix, scale = _affine()
    axis = torch.arange(size, dtype=torch.float32, device=device) - (size - 1) / 2
    nodes = max(2, round(_uniform(0.03, 0.06) * size))
    coarse = _uniform(0, 4) * torch.randn((nodes,) * 3 + (3,), device=device)
    field = zoom(coarse, (size,) * 3)
    x, y, z = (grid + field[..., i] for i, grid in enumerate(torch.meshgrid(axis, axis, axis, indexing="ij")))
    positions = []
    for (a, b, c), n in zip(matrix.tolist(), volume, strict=True):
        positions.append((a * x + b * y + c * z + (n - 1) / 2).clamp(0, n - 1))
    return positions, scale


def _affine() -> tuple[Tensor, float]:
    angles = [math.radians(_uniform(-15, 15)) for _ in range(3)]
    shears = [_uniform(-0.2, 0.2) for _ in range(3)]
    scales = torch.tensor([_uniform(0.8, 1.2) for _ in range(3)])
    matrix = torch.diag(scales)
    for column in range(3):
        shear = torch.eye(3)
        for row in range(3):
            if row != column:
                shear[row, column] = shears[row]
        matrix = matrix @ shear
    for axis, angle in enumerate(angles):
        first, second = (other for other in range(3) if other != axis)
        turn = torch.eye(3)
        turn[first, first] = turn[second, second] = math.cos(angle)
        turn[first, second], turn[second, first] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix, float(scales.prod()) ** (1 / 3)


def touched_box(positions: list[Tensor]) -> tuple[tuple[slice, ...], list[Tensor]]:
    """Return the part of a volume that positions touch, and the positions in it."""
    low = [math.floor(p.min().item()) for p in positions]
    high = [1 + math.ceil(p.max().item()) for p in positions]
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return box, [p - a for p, a in zip(positions, low, strict=True)]


def linear(volume: Tensor, positions: list[Tensor], outside: float = 0.0) -> Tensor:
    """Gather the eight corners of every position within (0, n - 1] and weight them."""
    inside = torch.ones_like(positions[0], dtype=torch.bool)
    for p, n in zip(positions, volume.shape, strict=True):
        inside &= (p > 0) & (p <= n - 1)
    corners = []
    for p, n in zip(positions, volume.shape, strict=True):
        p = p[inside]
        low = p.floor().long()
        high = (low + 1).clamp(max=n - 1)
        corners.append(((low, 1 - (p - low)), (high, p - low)))
    value = 0
    for i, wi in corners[0]:
        for j, wj in corners[1]:
            for k, wk in corners[2]:
                value = value + volume[i, j, k] * (wi * wj * wk)
    result = torch.full(positions[0].shape, outside, device=volume.device)
    result[inside] = value
    return result


def nearest(volume: Tensor, positions: list[Tensor]) -> Tensor:
    """Gather the nearest voxel."""
    i, j, k = (p.round().long().clamp(0, n - 1) for p, n in zip(positions, volume.shape, strict=True))
    return volume[i, j, k]


def zoom(volume: Tensor, shape: Sequence[int]) -> Tensor:
    """Resample the first three axes linearly, one output plane after the other."""
    for axis, n_out in enumerate(shape):
        n_in = volume.shape[axis]
        factor = n_out / n_in
        size = list(volume.shape)
        size[axis] = n_out
        zoomed = torch.empty(size, device=volume.device)
        for plane in range(n_out):
            position = min(max((1 - factor) / (2 * factor) + plane / factor, 0), n_in - 1)
            low = math.floor(position)
            high, weight = min(low + 1, n_in - 1), position - low
            mixed = (1 - weight) * volume.select(axis, low) + weight * volume.select(axis, high)
            zoomed.select(axis, plane).copy_(mixed)
        volume = zoomed
    return volume


def paint(labels: Tensor) -> Tensor:
    """Draw a Gaussian for every label and a value for every voxel."""
    means = 25 + 200 * torch.rand(LABELS, device=labels.device)
    stds = 5 + 20 * torch.rand(LABELS, device=labels.device)
    means[0] = 0 if _uniform() < 0.5 else means[0]
    index = labels.round().long()
    image = means[index] + stds[index] * torch.randn(labels.shape, device=labels.device)
    image[image < 0] = 0
    return image


def degrade(image: Tensor) -> Tensor:
    """Blur, sample at the scanner's spacing, add noise, and zoom back."""
    spacing, thickness = _resolution()
    for axis, t in enumerate(thickness):
        if t > 1:
            image = _blur(image, _uniform(0.85, 1.15) * math.log(5) / math.pi * t, axis)
    shape, low_shape = image.shape, [int(n / s) for n, s in zip(image.shape, spacing, strict=True)]
    axes = []
    for n, low in zip(shape, low_shape, strict=True):
        factor = low / n
        axes.append((1 - factor) / (2 * factor) + torch.arange(low, device=image.device) / factor)
    low = linear(image, list(torch.meshgrid(*axes, indexing="ij")))
    low = low + _uniform(5, 15) * torch.randn(low.shape, device=low.device)
    low[low < 0] = 0
    return zoom(low, shape)


def _resolution() -> tuple[list[float], list[float]]:
    kind = _uniform()
    if kind < 0.25:
        return [1.0] * 3, [1.0] * 3
    if kind < 0.5:
        spacing, thickness = [1.0] * 3, [1.0] * 3
        axis = int(3 * _uniform())
        spacing[axis] = 2.5 + 6 * _uniform()
        thickness[axis] = min(spacing[axis], 4 + 2 * _uniform())
        return spacing, thickness
    if kind < 0.75:
        spacing = [s + 0.4 * _uniform() for s in (1.3, 1.3, 4.8)]
    else:
        spacing = [2 + 3 * _uniform() for _ in range(3)]
    return spacing, spacing


def _blur(image: Tensor, std: float, axis: int) -> Tensor:
    radius = math.ceil(3 * std)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=image.device) / std) ** 2)
    shape, padding = [1] * 5, [0] * 3
    shape[2 + axis], padding[axis] = -1, radius
    return F.conv3d(image[None, None], (kernel / kernel.sum()).reshape(shape), padding=padding)[0, 0]


def _full_resolution(atlas_mm: Tensor, shape: Sequence[int]) -> Tensor:
    """Return atlas coordinates as their files have them: every voxel, whole hundredths of a mm."""
    fine = F.interpolate(atlas_mm.float()[None], scale_factor=COARSE_STEP, mode="trilinear")[0]
    return (100 * fine[:, : shape[0], : shape[1], : shape[2]]).short()


def _mirrored(volume: Tensor, flip: bool) -> Tensor:
    return volume.flip(-3) if flip else volume


def _uniform(low: float = 0.0, high: float = 1.0) -> float:
    return low + (high - low) * torch.rand(()).item()
