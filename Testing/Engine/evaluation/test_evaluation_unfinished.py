"""What an evaluation keeps until it is finished: rows to the last bit, and nothing of a subject that failed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from BrainFMEngine.errors import UsageError
from BrainFMEngine.evaluation.row import Row
from BrainFMEngine.evaluation.unfinished import Facts, Measured, Unfinished, is_unfinished
from PIL import Image

FACTS = Facts("ab" * 32, {"a": "1", "b": "2"}, {"inputs": "both", "window": None}, "1.0")


def measured(subject: str, kind: str, picture: str | None = None) -> Measured:
    rows = [Row(subject, kind, "seg", "mean Dice", 1 / 3), Row(subject, kind, "CT", "L1", 1e-17, "HU")]
    return Measured(subject, kind, 2, rows, ["doubtful ü"], picture)


def begun(folder) -> Unfinished:
    return Unfinished(folder, FACTS, resume=False, overwrite=False)


def test_what_was_kept_is_there_again(tmp_path):
    folder = tmp_path / "out"
    kept = {(0, 0): measured("a", "real T1", "picture.png"), (1, 1): measured("b", "real T2")}
    with begun(folder) as unfinished:
        for place, one in kept.items():
            unfinished.keep(place, one, Image.new("RGB", (2, 2)))
        with pytest.raises(UsageError, match="in use for evaluation"):
            begun(folder)
    assert is_unfinished(folder)
    with Unfinished(folder, FACTS, resume=True, overwrite=False) as unfinished:
        assert unfinished.done == kept and unfinished.of_subject(1) == [kept[1, 1]]
        assert unfinished.copy_pictures(tmp_path) == ["picture.png"] and (tmp_path / "picture.png").exists()
        (folder / "results.csv").write_text("")
        unfinished.remove()
    assert [path.name for path in folder.iterdir()] == ["results.csv"]


def test_a_subject_that_failed_and_a_damaged_file_are_measured_again(tmp_path):
    with begun(tmp_path) as unfinished:
        for place in ((0, 0), (0, 1), (1, 0), (1, 1)):
            unfinished.keep(place, measured("ab"[place[0]], str(place[1]), f"p{place}.png"), Image.new("RGB", (2, 2)))
        unfinished.drop_subject(0)
    assert not (tmp_path / "unfinished" / "p(0, 0).png").exists()
    (tmp_path / "unfinished" / "00002-01.json").write_text('{"subject"')
    with Unfinished(tmp_path, FACTS, resume=True, overwrite=False) as unfinished:
        assert list(unfinished.done) == [(1, 1)]


def test_without_any_work_nothing_is_left(tmp_path):
    with pytest.raises(ValueError), begun(tmp_path / "new"):
        raise ValueError
    assert not (tmp_path / "new").exists()
    with begun(tmp_path):
        pass
    assert tmp_path.exists() and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": "cd" * 32}, "another model"),
        ({"subjects": {"a": "1", "b": "3"}}, r"another data set \(b changed\)"),
        ({"subjects": {"a": "1"}}, r"another data set \(b changed\)"),
        ({"options": {"inputs": "real", "window": None}}, "inputs both, not real"),
        ({"version": "2.0"}, "brainfm 1.0"),
    ],
)
def test_something_else_does_not_go_on(tmp_path, changes, says):
    with begun(tmp_path) as unfinished:
        unfinished.keep((0, 0), measured("a", "real T1"))
    with pytest.raises(UsageError, match=says):
        Unfinished(tmp_path, replace(FACTS, **changes), resume=True, overwrite=True)
    with Unfinished(tmp_path, FACTS, resume=True, overwrite=False) as unfinished:
        assert len(unfinished.done) == 1
