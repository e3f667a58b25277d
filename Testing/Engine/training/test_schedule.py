"""The learning rate: the published courses, and ours."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.errors import UsageError
from BrainFMEngine.training.recipe_options import ScheduleOptions
from BrainFMEngine.training.schedule import learning_rate

STEPS = 40


def course(options: ScheduleOptions, base: float = 1.0) -> np.ndarray:
    return np.array([learning_rate(options, step, STEPS, base) for step in range(STEPS)])


@pytest.mark.golden
def test_published_courses(golden_dir):
    golden = np.load(golden_dir / "ops" / "schedules.npz")
    multistep = ScheduleOptions("multistep", warm_up_steps=4, drops=(20, 32), gamma=0.1, late_drops=True)
    np.testing.assert_allclose(course(multistep, 1e-4), golden["multistep"], rtol=1e-12, atol=1e-18)
    cosine = ScheduleOptions("cosine", warm_up_steps=8, final=0.01)
    np.testing.assert_allclose(course(cosine, 1e-4), golden["cosine"], rtol=1e-12, atol=1e-18)


def test_drops_come_where_they_are_configured():
    rates = course(ScheduleOptions("multistep", warm_up_steps=4, drops=(20, 32)))
    assert np.flatnonzero(np.diff(rates) < 0).tolist() == [19, 31]
    assert rates[-1] == pytest.approx(0.01)


def test_warm_up_rises_evenly_from_zero():
    rates = course(ScheduleOptions(warm_up_steps=5))
    np.testing.assert_allclose(rates[:6], [0, 0.25, 0.5, 0.75, 1, 1])
    assert np.all(course(ScheduleOptions()) == 1)
    assert np.all(course(ScheduleOptions(warm_up_steps=1)) == 1)


def test_linear_decay_ends_at_its_final_rate():
    rates = course(ScheduleOptions("linear-decay", decay_steps=10, final=0.2))
    assert np.all(rates[:31] == 1)
    np.testing.assert_allclose(np.diff(rates[30:]), -0.08)
    assert learning_rate(ScheduleOptions("linear-decay", decay_steps=10, final=0.2), STEPS, STEPS) == pytest.approx(0.2)
    assert np.all(course(ScheduleOptions("linear-decay")) == 1)


@pytest.mark.parametrize("values", [{"drops": (5, 3)}, {"warm_up_steps": -1}, {"gamma": 0.0}, {"final": 2.0}])
def test_an_impossible_course_is_refused(values):
    with pytest.raises(UsageError):
        ScheduleOptions("multistep", **values)
