"""Taking values at positions: exact where it can be, nothing invented, the outside as told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.warp import box_of, warp_linear, warp_nearest


def voxels(shape: tuple[int, int, int]) -> torch.Tensor:
    return torch.stack(torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in shape), indexing="ij"))


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def turned(shape: tuple[int, int, int], degrees: float = 25) -> torch.Tensor:
    """Positions of a sample that is turned in a subject of the same shape, partly outside of it."""
    a = np.radians(degrees)
    matrix = torch.tensor([[np.cos(a), -np.sin(a), 0.1], [np.sin(a), np.cos(a), 0], [0.05, 0, 1.1]]).float()
    middle = torch.tensor([(n - 1) / 2 for n in shape]).reshape(3, 1, 1, 1)
    return torch.einsum("ij,jxyz->ixyz", matrix, voxels(shape) - middle) + middle


def golden_positions(golden: np.lib.npyio.NpzFile) -> torch.Tensor:
    return torch.from_numpy(np.moveaxis(golden["points"], -1, 0).copy())


@pytest.mark.golden
def test_linear_values_are_the_published_ones_inside(golden_dir):
    golden = np.load(golden_dir / "ops" / "interp.npz")
    positions = golden_positions(golden)
    volume = torch.from_numpy(golden["volume"])
    size = torch.tensor(volume.shape)[:, None, None, None]
    inside = ((positions > 0) & (positions <= size - 1)).all(0)
    assert inside.sum() > 20
    torch.testing.assert_close(
        warp_linear(volume[None], positions)[0][inside],
        torch.from_numpy(golden["linear"])[inside],
        atol=1e-5,
        rtol=1e-5,
    )
    channels = torch.from_numpy(np.moveaxis(golden["volume_multichannel"], -1, 0).copy())
    expected = torch.from_numpy(np.moveaxis(golden["linear_multichannel"], -1, 0).copy())
    torch.testing.assert_close(warp_linear(channels, positions)[:, inside], expected[:, inside], atol=1e-5, rtol=1e-5)


def test_index_zero_is_inside():
    image = random(1, 5, 6, 7) + 1
    corner = torch.zeros(3, 1, 1, 1)
    torch.testing.assert_close(warp_linear(image, corner).flatten(), image[:, 0, 0, 0], atol=1e-5, rtol=0)


def test_voxels_come_back_as_they_are():
    image = random(4, 9, 8, 7)
    torch.testing.assert_close(warp_linear(image, voxels((9, 8, 7))), image, atol=1e-5, rtol=0)


def test_a_linear_ramp_stays_one():
    ramp = voxels((12, 13, 14))
    positions = turned((12, 13, 14))
    size = torch.tensor((12, 13, 14))[:, None, None, None]
    inside = ((positions >= 0) & (positions <= size - 1)).all(0)
    torch.testing.assert_close(warp_linear(ramp, positions)[:, inside], positions[:, inside], atol=1e-4, rtol=0)


def test_values_fade_to_the_outside_within_a_voxel():
    image = torch.full((1, 4, 4, 4), 10.0)
    positions = torch.tensor([[-0.25, -1.5, 3.5], [1, 1, 1], [2, 2, 2]]).reshape(3, 3, 1, 1)
    warped = warp_linear(image, positions, outside=-2.0).flatten()
    torch.testing.assert_close(warped, torch.tensor([7.0, -2.0, 4.0]), atol=1e-4, rtol=0)


def test_every_channel_may_have_its_own_outside():
    image = random(3, 4, 4, 4)
    far = torch.full((3, 2, 2, 2), 50.0)
    assert warp_linear(image, far, (0, 255, -1)).mean((1, 2, 3)).tolist() == [0, 255, -1]
    with pytest.raises(UsageError):
        warp_linear(image, far, (0, 1))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16])
def test_storage_layout_and_box_change_nothing(dtype):
    image = (random(5, 12, 13, 14) * 200).to(dtype)
    positions = 2 + 0.5 * turned((12, 13, 14))
    expected = warp_linear(image.float(), positions)
    adjacent = image.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2)
    box = box_of(positions, (12, 13, 14))
    assert any(part != slice(0, n) for part, n in zip(box, (12, 13, 14), strict=True))
    for stored in (image, adjacent, adjacent.float()):
        torch.testing.assert_close(warp_linear(stored, positions, box=box), expected, atol=2e-3, rtol=0)


def test_box_holds_what_is_touched_and_is_never_empty():
    positions = torch.tensor([[2.2, 3.7], [-4.0, 1.5], [9.0, 9.0]]).reshape(3, 2, 1, 1)
    assert box_of(positions, (10, 10, 10)) == (slice(2, 5), slice(0, 3), slice(9, 10))
    assert box_of(positions + 100, (10, 10, 10)) == (slice(9, 10),) * 3
    image = random(2, 10, 10, 10)
    assert not warp_linear(image, positions + 100, box=box_of(positions + 100, (10, 10, 10))).any()


def test_the_number_of_threads_changes_no_bit():
    image, positions = random(2, 8, 9, 10), turned((8, 9, 10))
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(warp_linear(image, positions))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64, torch.bool])
def test_nearest_takes_the_nearest_voxel(dtype):
    labels = (random(11, 12, 13) * (2 if dtype == torch.bool else 120)).to(dtype)
    positions = turned((11, 12, 13))
    index = positions.round().long()
    size = torch.tensor(labels.shape)[:, None, None, None]
    inside = ((index >= 0) & (index < size)).all(0)
    expected = torch.zeros_like(labels)
    expected[inside] = labels[tuple(index[:, inside])]
    warped = warp_nearest(labels, positions)
    assert warped.dtype == dtype
    assert torch.equal(warped, expected)
    assert 0 < inside.sum() < inside.numel()


def test_nearest_invents_no_class():
    labels = torch.tensor([3, 17, 200], dtype=torch.uint8)[(random(10, 10, 10) * 3).long()]
    assert set(warp_nearest(labels, turned((10, 10, 10)), outside=7).unique().tolist()) == {3, 7, 17, 200}


def test_nearest_refuses_images():
    with pytest.raises(UsageError):
        warp_nearest(random(4, 4, 4), voxels((4, 4, 4)))
