"""Background: the head keeps its bits, the air gets a smooth haze of the asked level and grain."""

from __future__ import annotations

import numpy as np
import torch
from BrainFMEngine.generator.background import FULL_LEVEL, Background, apply_background

SHAPE = (28, 30, 26)
RAMP = np.broadcast_to(np.linspace(0.25, 1, 4, dtype=np.float32)[:, None, None], (4, 4, 4)).copy()


def head() -> torch.Tensor:
    mask = torch.zeros(SHAPE, dtype=torch.bool)
    mask[8:20, 8:20, 8:20] = True
    return mask


def test_the_head_is_unchanged_bit_for_bit():
    image = 100 * torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)) * head()
    result = apply_background(image, Background(1.0, RAMP, 0.5, 3), head())
    assert torch.equal(result[head()], image[head()])
    assert (result[~head()] >= image[~head()]).all() and result[~head()].mean() > 1


def test_haze_is_smooth_and_of_the_asked_level():
    image = 200.0 * head()
    result = apply_background(image, Background(0.5, RAMP, 0.0, 3), head())
    haze = result[:, 0, 0]
    assert (haze.diff() >= -1e-5).all() and haze.diff().max() < 2
    np.testing.assert_allclose(haze[0], 0.25 * 0.5 * FULL_LEVEL * 200, rtol=1e-4)
    np.testing.assert_allclose(haze[-1], 0.5 * FULL_LEVEL * 200, rtol=1e-4)


def test_grain_needs_a_share_and_follows_its_seed():
    image = 200.0 * head()
    smooth, grainy, again, other = (
        apply_background(image, Background(1.0, RAMP, share, seed), head())
        for share, seed in ((0.0, 3), (0.7, 3), (0.7, 3), (0.7, 4))
    )
    assert (grainy[0] - smooth[0]).std() > 1
    assert torch.equal(grainy, again) and not torch.equal(grainy, other)


def test_level_follows_the_image():
    image = 200.0 * head()
    background = Background(1.0, RAMP, 0.3, 3)
    torch.testing.assert_close(
        apply_background(3 * image, background, head()), 3 * apply_background(image, background, head())
    )
