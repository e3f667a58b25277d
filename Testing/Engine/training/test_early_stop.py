"""The best validation is known, NaN is never it, and patience ends."""

from __future__ import annotations

import pytest
from BrainFMEngine.training.early_stop import EarlyStop


def test_the_best_is_kept_and_patience_ends():
    early = EarlyStop(patience=2)
    assert [early.update(step, score) for step, score in enumerate((0.1, 0.3, 0.3, 0.2))] == [True, True, False, False]
    assert early.should_stop
    assert (early.best, early.best_step) == (0.3, 1)
    assert "since step 1" in early.reason


def test_lower_can_be_better():
    early = EarlyStop(patience=None, higher_is_better=False, minimum_gain=0.1)
    assert [early.update(0, score) for score in (1.0, 0.95, 0.8)] == [True, False, True]
    assert not early.should_stop


@pytest.mark.parametrize("higher", [True, False])
@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_never_the_best(higher, score):
    early = EarlyStop(patience=1, higher_is_better=higher)
    assert not early.update(1, score)
    assert early.best is None
    assert "gave a number" in early.reason
    assert early.update(2, 0.5)
    assert not early.update(3, score)


def test_it_survives_a_resume():
    early, other = EarlyStop(3), EarlyStop(3)
    for step, score in enumerate((0.2, 0.1)):
        early.update(step, score)
    other.restore(early.state())
    assert other.state() == early.state()
    assert (other.update(5, 0.15), other.waited) == (False, 2)
