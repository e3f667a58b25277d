"""Every scan artefact alike: nothing where it does not happen, stronger with strength, complete parameters."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.background import Background, BackgroundRanges, apply_background, sample_background
from BrainFMEngine.generator.defacing import Defacing, DefacingRanges, apply_defacing, sample_defacing
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.field_of_view import (
    FieldOfView,
    FieldOfViewRanges,
    apply_field_of_view,
    sample_field_of_view,
)
from BrainFMEngine.generator.ghosting import Ghosting, GhostingRanges, apply_ghosting, sample_ghosting
from BrainFMEngine.generator.gibbs import Gibbs, GibbsRanges, apply_gibbs, sample_gibbs
from BrainFMEngine.generator.record import from_record, to_record
from BrainFMEngine.generator.spikes import Spikes, SpikesRanges, apply_spikes, sample_spikes

SHAPE = (27, 31, 25)


def distance_from_centre() -> torch.Tensor:
    axes = [torch.linspace(-1, 1, n) for n in SHAPE]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).norm(dim=0)


HEAD = distance_from_centre() < 0.8
BRAIN = distance_from_centre() < 0.3


@pytest.fixture
def image() -> torch.Tensor:
    """A ball of bright, textured tissue in black air."""
    texture = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1))
    return torch.where(HEAD, 100 + 40 * texture, 0.0)


GRADED = {
    "ghosting": (GhostingRanges, Ghosting, sample_ghosting, apply_ghosting),
    "gibbs": (GibbsRanges, Gibbs, sample_gibbs, apply_gibbs),
    "spikes": (SpikesRanges, Spikes, sample_spikes, apply_spikes),
    "field_of_view": (FieldOfViewRanges, FieldOfView, sample_field_of_view, apply_field_of_view),
    "background": (
        BackgroundRanges,
        Background,
        sample_background,
        lambda image, drawn: apply_background(image, drawn, HEAD),
    ),
}
FACELESS = (
    DefacingRanges,
    Defacing,
    sample_defacing,
    lambda image, drawn: apply_defacing(image, drawn, BRAIN)[0],
)
graded = pytest.mark.parametrize(("ranges", "kind", "sample", "apply"), GRADED.values(), ids=GRADED)
every = pytest.mark.parametrize(
    ("ranges", "kind", "sample", "apply"), [*GRADED.values(), FACELESS], ids=[*GRADED, "defacing"]
)


def draw(sample, ranges, seed: int = 5):
    drawn = sample(Draws.from_seed(seed), ranges)
    assert drawn is not None
    return drawn


@every
def test_never_is_never_and_always_is_always(ranges, kind, sample, apply, image):
    for seed in range(20):
        assert sample(Draws.from_seed(seed), ranges()) is None
        assert isinstance(sample(Draws.from_seed(seed), ranges(1.0)), kind)
    assert torch.equal(apply(image, None), image)


@every
def test_happens_as_often_as_asked_and_stays_with_a_higher_probability(ranges, kind, sample, apply):
    def happens(probability: float) -> np.ndarray:
        return np.array([sample(Draws.from_seed(seed), ranges(probability)) is not None for seed in range(400)])

    assert abs(happens(0.3).mean() - 0.3) < 0.08
    assert (happens(0.6) >= happens(0.3)).all()


@every
def test_draws_do_not_depend_on_the_outcome(ranges, kind, sample, apply):
    often, never = Draws.from_seed(8), Draws.from_seed(8)
    sample(often, ranges(1.0))
    sample(never, ranges(0.0))
    assert often.level.uniform() == never.level.uniform()
    assert often.pattern.uniform() == never.pattern.uniform()


@every
def test_same_parameters_same_bits_also_after_a_record(ranges, kind, sample, apply, image):
    drawn = draw(sample, ranges(1.0))
    replayed = from_record(kind, json.loads(json.dumps(to_record(drawn))))
    assert torch.equal(apply(image, drawn), apply(image, replayed))


@every
def test_ranges_survive_a_record(ranges, kind, sample, apply):
    asked = ranges(0.25)
    assert from_record(ranges, json.loads(json.dumps(to_record(asked)))) == asked


@every
@pytest.mark.parametrize("seed", range(8))
def test_result_is_a_finite_magnitude_and_the_input_is_kept(ranges, kind, sample, apply, image, seed):
    before = image.clone()
    result = apply(image, draw(sample, ranges(1.0), seed))
    assert result.dtype == torch.float32 and result.shape == image.shape and result.device == image.device
    assert torch.isfinite(result).all() and result.min() >= 0
    assert torch.equal(image, before)


@every
def test_empty_image_stays_empty(ranges, kind, sample, apply):
    assert not apply(torch.zeros(SHAPE), draw(sample, ranges(1.0))).any()


@graded
def test_strength_zero_changes_no_bit(ranges, kind, sample, apply, image):
    assert sample(Draws.from_seed(2), ranges(1.0, (0.0, 0.0))) is None
    weak = draw(sample, ranges(1.0, (1.0, 1.0)))
    still = kind(**{**vars(weak), "strength": 0.0})
    assert torch.equal(apply(image, still), image)


@graded
@pytest.mark.parametrize("seed", range(6))
def test_more_strength_changes_more(ranges, kind, sample, apply, image, seed):
    changes = []
    for strength in (0.1, 0.35, 0.6, 1.0):
        drawn = draw(sample, ranges(1.0, (strength, strength)), seed)
        assert drawn.strength == strength
        changes.append((apply(image, drawn) - image).abs().mean().item())
    assert all(later >= earlier for earlier, later in zip(changes, changes[1:], strict=False))
    assert changes[-1] > 1.5 * changes[0]


@graded
def test_strength_is_drawn_from_its_range(ranges, kind, sample, apply):
    strengths = [draw(sample, ranges(1.0, (0.2, 0.6)), seed).strength for seed in range(200)]
    assert 0.2 <= min(strengths) < 0.22 and 0.58 < max(strengths) <= 0.6


@graded
@pytest.mark.parametrize("wrong", [(0.5, 0.2), (-0.1, 0.5), (0.5, 1.5), (float("nan"), 1.0)])
def test_impossible_strength_is_refused(ranges, kind, sample, apply, wrong):
    with pytest.raises(UsageError):
        ranges(0.5, wrong)


@every
@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_impossible_probability_is_refused(ranges, kind, sample, apply, wrong):
    with pytest.raises(UsageError):
        ranges(wrong)
