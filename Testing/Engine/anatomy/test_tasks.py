"""The task table: what users can ask for."""

from __future__ import annotations

import pytest
from BrainFMEngine.errors import UsageError
from BrainFMEngine.tasks import TASKS, offered_tasks, select_tasks

HEADS = ["T1", "segmentation", "distance", "registration"]


def test_names_heads_and_files_are_unique():
    for values in (
        [task.name for task in TASKS],
        [head for task in TASKS for head in task.heads],
        [m.name for task in TASKS for m in task.maps],
    ):
        assert len(set(values)) == len(values)


def test_all_means_what_the_model_has():
    assert set(select_tasks("all", HEADS)) == set(HEADS)
    assert list(select_tasks("seg, T1", HEADS)) == ["T1", "segmentation"]


@pytest.mark.parametrize("wanted", ["ct", "nonsense", "", "t1,ct"])
def test_what_a_model_lacks_is_refused_with_the_choices(wanted):
    with pytest.raises(UsageError) as error:
        select_tasks(wanted, HEADS)
    assert "distance" in error.value.hint


def test_heads_of_no_task_are_left_out():
    assert "surface" not in offered_tasks([*HEADS, "surface"])
