"""Following the files of a run: however long, rotated, cut, damaged or begun anew, at a bounded cost."""

import json
import os
import sys
import time

import numpy as np
import pytest
from BrainFMEngine.training.logbook import LOG_FILES, Logbook
from BrainFMEngine.training.rotating_lines import RotatingLines
from BrainFMTrainLib.CurveNames import lossTitle, usualLosses
from BrainFMTrainLib.LineTail import BLOCK_BYTES, LineTail
from BrainFMTrainLib.LossCurves import MAX_NAMES, MAX_POINTS, LossCurves
from BrainFMTrainLib.RunFollower import RunFollower
from BrainFMTrainLib.RunLogTail import RunLogTail, ScoreTail

pytestmark = pytest.mark.scene
LONG = 1_000_000
ROTATED_BYTES = 2_000_000


def read_all(tail):
    rows = tail.read()
    while not tail.caughtUp:
        rows += tail.read()
    return rows


def steps_of(tail) -> list[int]:
    return [row["step"] for row in read_all(tail)]


def size_of(curves: LossCurves) -> int:
    """Bytes of the numbers that are kept."""
    bins = [curves._where, *curves._curves.values()]
    return sum(sys.getsizeof(values) for bin in bins for values in (bin._sums, bin._numbers))


def test_a_run_of_a_million_steps_costs_no_more_than_a_short_one(tmp_path):
    """Followed through all its rotations: points, memory and bytes read at a time stay bounded, and the means true."""
    lines = RotatingLines(tmp_path / "log.jsonl", ROTATED_BYTES, LOG_FILES)
    tail, curves, sizes, taken = RunLogTail(tmp_path), LossCurves(), [], 0
    for begin in range(1, LONG + 1, 20_000):
        block = (f'{{"step": {n}, "loss": {n}, "T1": 2}}' for n in range(begin, begin + 20_000))
        lines.write("\n".join(block))
        tail.caughtUp = False
        while not tail.caughtUp:
            rows = tail.read()
            taken += len(rows)
            assert len(rows) * 20 <= BLOCK_BYTES * 2
            for row in rows:
                curves.add(row)
        sizes.append(size_of(curves))
    assert taken == LONG and not tail.restarted
    assert len(lines.paths()) == LOG_FILES and sum(path.stat().st_size for path in lines.paths()) < 11_000_000
    steps, values = curves.points("loss")
    assert MAX_POINTS / 2 <= len(steps) <= MAX_POINTS and curves.names == ["loss", "T1"]
    assert np.abs(steps - values).max() < 1e-6 and steps[-1] > LONG - 2 * curves.stride
    assert max(sizes) <= sizes[0] * 1.1
    assert len(curves.points("loss", most=300)[0]) <= 300
    assert np.all(curves.points("T1", smoothing=5)[1] == 2.0)


def test_one_look_reads_for_a_bounded_time_and_goes_on_later(tmp_path):
    (tmp_path / "log.jsonl").write_text("".join(f'{{"step": {n}, "loss": 1.0}}\n' for n in range(1, 100_001)))
    follower, looks = RunFollower(tmp_path), 0
    while not follower.caughtUp and looks < 10_000:
        follower.look(0.002)
        looks += 1
    assert looks > 3 and follower.facts.step == 100_000


def test_what_is_not_finite_or_missing_leaves_no_point():
    curves = LossCurves()
    for step, loss in enumerate((1.0, None, float("nan"), 10**400, 4.0), start=1):
        curves.add({"step": step, "loss": loss})
    steps, values = curves.points("loss")
    assert steps.tolist() == [1, 5] and values.tolist() == [1, 4]
    assert len(curves.points("loss", smoothing=1)[0]) == 2


def test_steps_that_come_again_replace_what_followed_them():
    curves = LossCurves()
    for step in range(1, 101):
        curves.add({"step": step, "loss": 1.0})
    for step in range(61, 81):
        curves.add({"step": step, "loss": 5.0})
    steps, values = curves.points("loss")
    assert steps.tolist() == list(range(1, 81)) and values[59] == 1.0 and np.all(values[60:] == 5.0)


def test_names_without_end_are_bounded():
    curves = LossCurves()
    for step in range(1, 300):
        curves.add({"step": step, f"made-up-{step}": 1.0})
    assert len(curves.names) == MAX_NAMES


def test_a_log_is_followed_through_rotation_and_resume(tmp_path):
    lines = RotatingLines(tmp_path / "log.jsonl", max_bytes=1000, files=5)
    tail, wanted = RunLogTail(tmp_path), []
    for step in range(1, 120):
        lines.write(json.dumps({"step": step, "loss": 1.0}))
        if step % 7 == 0:
            wanted += steps_of(tail)
    wanted += steps_of(tail)
    assert wanted == list(range(1, 120)) and not tail.restarted
    lines.close()
    Logbook(tmp_path, 110, tensorboard=False).close()  # a resume drops what came later
    again = steps_of(tail)
    assert tail.restarted and again[-1] == 110 and again == list(range(again[0], 111))


def test_several_rotations_between_two_looks_lose_nothing_that_is_still_there(tmp_path):
    lines = RotatingLines(tmp_path / "log.jsonl", max_bytes=1000, files=5)
    tail = RunLogTail(tmp_path)
    lines.write(json.dumps({"step": 1, "loss": 1.0}))
    assert steps_of(tail) == [1]
    for step in range(2, 150):
        lines.write(json.dumps({"step": step, "loss": 1.0}))
    assert len(lines.paths()) > 3 and steps_of(tail) == list(range(2, 150)) and not tail.restarted


@pytest.mark.parametrize("later", ["", '{"step": 3}\n', '{"step": 3}\n{"step": 4}\n{"step": 5}\n'])
def test_a_log_that_is_cut_or_written_anew_is_read_again(tmp_path, later):
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1}\n{"step": 2}\n')
    tail = RunLogTail(tmp_path)
    assert steps_of(tail) == [1, 2]
    log.write_text(later)  # the same file, shorter, or soon as long as it was
    assert steps_of(tail) == [json.loads(line)["step"] for line in later.splitlines()] and tail.restarted


def test_a_log_that_vanishes_and_comes_back_is_read_again(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1}\n{"step": 2}\n')
    tail = RunLogTail(tmp_path)
    assert steps_of(tail) == [1, 2]
    log.unlink()
    assert steps_of(tail) == [] and not tail.restarted
    log.write_text('{"step": 7}\n')
    assert steps_of(tail) == [7] and tail.restarted


def test_half_a_line_waits_for_the_rest(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1}\n{"step"')
    tail = RunLogTail(tmp_path)
    assert steps_of(tail) == [1]
    with open(log, "a") as stream:
        stream.write(": 2}\n")
    assert steps_of(tail) == [2]


GARBAGE = (
    b"\n",
    b"\xff\xfe\x00\n",
    b"[1, 2]\n",
    b'{"step": "four"}\n',
    b'{"step": true, "loss": 3}\n',
    b'{"step": -4, "loss": 3}\n',
    b'{"step": 99999999999999999999, "loss": 3}\n',
    b'{"step": 2, "loss": "nan"}\n',
    b"[" * 100_000 + b"\n",
    b"x" * 3_000_000 + b"\n",
)


def test_lines_that_are_none_do_no_harm(tmp_path):
    lines = (f'{{"step": {n}, "loss": {n}.5}}\n'.encode() for n in range(1, len(GARBAGE) + 2))
    (tmp_path / "log.jsonl").write_bytes(b"".join(line + bad for line, bad in zip(lines, (*GARBAGE, b""), strict=True)))
    (tmp_path / "metrics.csv").write_bytes(b'step,metric,value\n1,"validation/a,b",0.5\nx,y,z\n\xff\n2,only\n3,q,nan\n')
    follower = RunFollower(tmp_path)
    while not follower.caughtUp:
        follower.look()
    values = follower.curves.points("loss")[1]
    assert values.tolist() == [n + 0.5 for n in range(1, len(GARBAGE) + 2)]
    assert follower.scores.points("a,b")[1].tolist() == [0.5]


def test_a_line_without_end_takes_no_memory(tmp_path):
    with open(tmp_path / "log.jsonl", "wb") as stream:
        stream.write(b"y" * 5_000_000)
    tail = LineTail(tmp_path / "log.jsonl")
    while not tail.caughtUp:
        assert tail.readBlock() == []
    assert len(tail._begun) <= 2 * BLOCK_BYTES * 8


def test_scores_are_those_of_the_engine(tmp_path):
    with Logbook(tmp_path, 0, tensorboard=False) as log:
        for step in (100, 200):
            log.log(step, {"loss": 1.0})
            log.validation(step, {"loss": 2.0, "seg/mean Dice": step / 1000, "T1/SSIM in brain": float("nan")}, True)
    assert {name for row in read_all(ScoreTail(tmp_path)) for name in row} >= {"step", "loss", "seg/mean Dice"}
    follower = RunFollower(tmp_path)
    follower.look(1.0)
    assert [list(values) for values in follower.scores.points("seg/mean Dice")] == [[100, 200], [0.1, 0.2]]
    assert follower.curves.names == ["loss"] and follower.facts.step == 200


def test_names_are_words_and_unknown_ones_stay():
    assert lossTitle("T1_grad") == "T1w, edges" and lossTitle("bias_field_log") == "bias field"
    assert lossTitle("something_new") == "something_new"
    names = ["loss", "T1", "T1_grad", "seg_dice", "seg_ce"]
    assert usualLosses(names, several=False) == ["loss", "T1", "seg_dice"]
    assert usualLosses(names, several=True) == ["loss"]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps names of open files")
def test_following_holds_no_file_open(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1, "loss": 1}\n')
    follower = RunFollower(tmp_path)
    for _look in range(50):
        follower.look()
        time.sleep(0)
    named = [os.readlink(f"/proc/self/fd/{name}") for name in _descriptors()] if os.path.isdir("/proc/self/fd") else []
    assert not [path for path in named if str(tmp_path) in path]


def _descriptors() -> list[str]:
    return [name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")]
