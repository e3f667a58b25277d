"""Advection: the published values, no divergence, nothing created or lost."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.advection import advect, advection_rhs, curl
from BrainFMEngine.generator.perlin import gradient_noise


@pytest.fixture(scope="module")
def reference(golden_dir) -> dict[str, torch.Tensor]:
    arrays = np.load(golden_dir / "ops" / "pathology_shapes.npz")
    return {name: torch.from_numpy(np.asarray(arrays[name])) for name in arrays}


@pytest.fixture
def flow() -> torch.Tensor:
    """A random flow of up to a few voxels per unit of time, still towards the faces, (3, 24, 24, 24)."""
    generator = torch.Generator().manual_seed(5)
    theta, phi = 6.283 * torch.rand(2, 3, 4, 4, 4, generator=generator)
    axis = torch.linspace(-1, 1, 24) ** 2
    still = (1 - axis[:, None, None] - axis[:, None] - axis).clamp(min=0)
    return curl(still * torch.stack([gradient_noise(theta[i], phi[i], (24, 24, 24)) for i in range(3)]), 15.0)


@pytest.fixture
def blob() -> torch.Tensor:
    axis = torch.linspace(-1, 1, 24) ** 2
    return torch.exp(-8 * (axis[:, None, None] + axis[:, None] + axis))


@pytest.mark.golden
def test_velocity_is_the_published_one(reference):
    velocity = curl(reference["potentials"], float(reference["velocity_multiplier"]))
    expected = torch.stack([reference[name] for name in ("Vx", "Vy", "Vz")])
    torch.testing.assert_close(velocity, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.golden
def test_right_hand_side_is_the_published_one(reference):
    velocity = torch.stack([reference[name] for name in ("Vx", "Vy", "Vz")])
    rate = advection_rhs(reference["advect_initial"], velocity)
    torch.testing.assert_close(rate, reference["advect_rhs"], rtol=1e-5, atol=1e-5)


@pytest.mark.golden
@pytest.mark.parametrize("step", [0.05, 0.1])
def test_solution_is_the_published_one(reference, step):
    velocity = torch.stack([reference[name] for name in ("Vx", "Vy", "Vz")])
    solution = advect(reference["advect_initial"], velocity, reference["advect_times"].tolist(), step)
    torch.testing.assert_close(solution, reference["advect_solution"], rtol=0, atol=1e-3)


def test_no_divergence(flow):
    divergence = sum(torch.gradient(flow[axis], dim=axis)[0] for axis in range(3))
    assert divergence[2:-2, 2:-2, 2:-2].abs().max() < 1e-4 * flow.abs().max()


def test_mass_and_bounds_are_kept(flow, blob):
    states = advect(blob, flow, (0, 0.5, 1))
    assert states.shape == (3, 24, 24, 24) and torch.equal(states[0], blob)
    assert (states[2] - blob).abs().max() > 0.1
    np.testing.assert_allclose(states.sum((1, 2, 3)) / blob.sum(), 1, atol=0.05)
    inner = states[:, 1:-1, 1:-1, 1:-1]
    assert inner.min() >= 0 and inner.max() <= blob.max() + 1e-6


def test_a_steady_wind_carries_the_blob_along(blob):
    wind = torch.zeros(3, 24, 24, 24)
    wind[1] = 3.0
    moved = advect(blob, wind, (0, 1))[-1]
    centre = (moved.sum((0, 2)) * torch.arange(24)).sum() / moved.sum()
    assert abs(centre - 14.5) < 0.2


def test_still_air_changes_nothing(blob):
    assert torch.equal(advect(blob, torch.zeros(3, 24, 24, 24), (0, 1))[-1], blob)


@pytest.mark.parametrize(("times", "step"), [((1, 0), 0.1), ((0, 1), 0.0)])
def test_bad_times_are_explained(flow, blob, times, step):
    with pytest.raises(UsageError, match="integrate"):
        advect(blob, flow, times, step)


def test_bad_shapes_are_explained(flow, blob):
    with pytest.raises(UsageError, match="does not fit"):
        advection_rhs(blob[1:], flow)
