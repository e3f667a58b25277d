"""Velocity fields: what is drawn, and where their flow carries points and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.velocity import (
    Velocity,
    VelocityRanges,
    dense_velocity,
    displace,
    displacement,
    integrate,
    sample_velocity,
)

SHAPE = (48, 40, 44)


def drawn(seed: int, shape: tuple[int, int, int] = SHAPE, **ranges) -> Velocity:
    return sample_velocity(Draws.from_seed(seed), shape, VelocityRanges(**ranges))


def inner(field: torch.Tensor, margin: int) -> torch.Tensor:
    return field[:, margin:-margin, margin:-margin, margin:-margin]


def golden_field(golden: np.lib.npyio.NpzFile, name: str) -> torch.Tensor:
    return torch.from_numpy(np.moveaxis(golden[name], -1, 0).copy())


@pytest.mark.golden
def test_dense_field_is_the_published_one(golden_dir):
    golden = np.load(golden_dir / "ops" / "svf.npz")
    velocity = Velocity(golden_field(golden, "coarse_velocity").numpy())
    torch.testing.assert_close(
        dense_velocity(velocity, (12, 10, 14)), golden_field(golden, "dense_velocity"), rtol=1e-5, atol=5e-6
    )


@pytest.mark.golden
@pytest.mark.parametrize(("name", "sign"), [("displacement_forward", 1), ("displacement_inverse", -1)])
def test_integration_is_the_published_one_away_from_the_border(golden_dir, name, sign):
    golden = np.load(golden_dir / "ops" / "svf.npz")
    moved = integrate(sign * golden_field(golden, "dense_velocity"), int(golden["n_steps"]))
    error = inner(moved - golden_field(golden, name), 4).abs()
    assert error.max() < 2e-3
    assert error.mean() < 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_flow_between_nodes_agrees_with_scaling_and_squaring(seed):
    velocity = drawn(seed)
    squared = integrate(dense_velocity(velocity, SHAPE))
    assert inner(displacement(velocity, SHAPE) - squared, 12).norm(dim=0).mean() < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_control_points_two_millimetres_apart_are_enough(seed):
    velocity = drawn(seed)
    every_voxel = displacement(velocity, SHAPE, control_mm=1.0)
    assert (displacement(velocity, SHAPE) - every_voxel).norm(dim=0).mean() < 0.05


def test_a_constant_field_moves_everything_by_itself():
    velocity = Velocity(np.tile(np.float32([1.5, -2, 0.5]).reshape(3, 1, 1, 1), (1, 3, 2, 2)))
    expected = torch.tensor([1.5, -2, 0.5]).reshape(3, 1, 1, 1).expand(3, 12, 12, 12)
    torch.testing.assert_close(displacement(velocity, (12, 12, 12)), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(displacement(velocity, (12, 12, 12), inverse=True), -expected, atol=1e-5, rtol=0)


def test_a_field_that_grows_linearly_moves_exponentially():
    x = np.float32([-6, 6]).reshape(2, 1, 1)
    velocity = Velocity(np.stack([np.broadcast_to(0.1 * x, (2, 2, 2)), np.zeros((2, 2, 2)), np.zeros((2, 2, 2))]))
    point = torch.tensor([2.0, 0, 0]).reshape(3, 1, 1, 1)
    moved = displace(Velocity(velocity.coarse_mm.astype(np.float32)), point, (24, 24, 24))
    assert moved[0].item() == pytest.approx(2 * (np.exp(0.1) - 1), rel=1e-3)


@pytest.mark.parametrize("integrated", [True, False])
def test_there_and_back(integrated):
    std = 4.0 if integrated else 1.0
    velocity = drawn(7, std_mm=std, integrate=integrated)
    points = torch.randn(3, 10, 10, 10, generator=torch.Generator().manual_seed(0)) * 12
    there = points + displace(velocity, points, SHAPE)
    back = there + displace(velocity, there, SHAPE, inverse=True)
    assert (there - points).norm(dim=0).mean() > 0.1
    assert (back - points).norm(dim=0).max() < 0.05


def test_without_integration_the_field_is_the_displacement():
    velocity = drawn(3, integrate=False)
    moved = displacement(velocity, SHAPE, control_mm=1.0)
    torch.testing.assert_close(moved, dense_velocity(velocity, SHAPE), atol=1e-4, rtol=0)
    assert (displacement(drawn(3), SHAPE, control_mm=1.0) - moved).abs().max() > 0.1


def test_millimetres_stay_millimetres_on_another_grid():
    velocity = drawn(5)
    fine = displacement(velocity, (48, 48, 48), 1.0, control_mm=1.0)
    coarse = displacement(velocity, (16, 16, 16), 3.0, control_mm=1.0)
    torch.testing.assert_close(coarse, fine[:, 1::3, 1::3, 1::3], atol=1e-3, rtol=0)


def test_nodes_and_spread_lie_in_their_ranges():
    fields = [drawn(seed, (128, 160, 100)) for seed in range(200)]
    nodes = np.array([velocity.coarse_mm.shape[1:] for velocity in fields])
    assert nodes.min(0).tolist() == [4, 5, 3]
    assert nodes.max(0).tolist() == [8, 10, 6]
    stds = np.array([velocity.std_mm for velocity in fields])
    np.testing.assert_allclose(np.quantile(stds, (0.1, 0.5, 0.9)), (0.4, 2, 3.6), atol=0.4)
    ratios = [velocity.coarse_mm.std() / velocity.std_mm for velocity in fields]
    np.testing.assert_allclose(ratios, 1, atol=0.25)


def test_a_small_sample_has_two_nodes_and_no_spread_no_movement():
    assert drawn(0, (8, 8, 8)).coarse_mm.shape == (3, 2, 2, 2)
    assert not displacement(drawn(0, std_mm=0.0), (8, 8, 8)).any()


@pytest.mark.parametrize("wrong", [{"grid_scale": (0.06, 0.03)}, {"std_mm": -1.0}])
def test_ranges_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        VelocityRanges(**wrong)
