"""Steps that are not finite: skipped, then rolled back, then the end; and the guard survives a resume."""

from __future__ import annotations

import pytest
from BrainFMEngine.errors import UsageError
from BrainFMEngine.training.guard import Action, NotFiniteGuard


def judge_all(guard: NotFiniteGuard, bad: set[int], last: int, first: int = 1) -> dict[int, Action]:
    answers = {step: guard.judge(step, step not in bad) for step in range(first, last + 1)}
    return {step: action for step, action in answers.items() if action is not Action.GO_ON}


def test_single_bad_steps_are_skipped():
    guard = NotFiniteGuard()
    assert judge_all(guard, {1, 60, 101, 161}, 300) == dict.fromkeys((1, 60, 101, 161), Action.SKIP)
    assert (guard.skipped, guard.roll_backs, guard.rate_factor) == (4, 0, 1.0)


def test_three_in_a_hundred_steps_roll_back_and_halve_the_rate():
    guard = NotFiniteGuard()
    answers = judge_all(guard, {10, 50, 109}, 109)
    assert answers == {10: Action.SKIP, 50: Action.SKIP, 109: Action.ROLL_BACK}
    assert guard.rate_factor == 0.5


def test_a_hundred_and_one_steps_are_too_long():
    assert judge_all(NotFiniteGuard(), {10, 50, 110}, 110)[110] is Action.SKIP


def test_the_third_roll_back_is_the_end():
    guard = NotFiniteGuard()
    answers = [guard.judge(step, False) for step in (5, 6, 7, 3, 4, 5, 1, 2, 3)]
    skip = Action.SKIP
    assert answers == [skip, skip, Action.ROLL_BACK, skip, skip, Action.ROLL_BACK, skip, skip, Action.STOP]
    assert "9 steps in all" in guard.reason


def test_a_step_that_is_done_again_after_a_roll_back_does_not_count_old_ones_that_lie_ahead():
    guard = NotFiniteGuard(limit=3)
    guard.judge(90, False)
    assert guard.judge(40, False) is Action.SKIP
    assert guard.judge(41, False) is Action.SKIP


def test_a_restored_guard_decides_the_same():
    guard, other = NotFiniteGuard(), NotFiniteGuard()
    judge_all(guard, {3, 4, 5, 8}, 10)
    other.restore(guard.state())
    bad = {20, 30, 31, 32}
    assert judge_all(other, bad, 40, 11) == judge_all(guard, bad, 40, 11)
    assert other.state() == guard.state()


def test_numbers_below_one_make_no_sense():
    with pytest.raises(UsageError):
        NotFiniteGuard(limit=0)
