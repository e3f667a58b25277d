"""The logs of a run: complete lines, bounded, and after a resume as if nothing had happened."""

from __future__ import annotations

import csv
import errno
import json
import random
import sys
from types import ModuleType

import pytest
from BrainFMEngine.errors import FileAccessError
from BrainFMEngine.training import logbook
from BrainFMEngine.training.logbook import Logbook, read_log


def write_steps(book: Logbook, first: int, last: int) -> None:
    for step in range(first, last + 1):
        book.log(step, {"loss": random.Random(step).random(), "subject": "ä"})
        if step % 5 == 0:
            book.metrics(step, {"validation/dice": step / 7, "validation/l1": 0.5})


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_killed_and_resumed_log_equals_an_uninterrupted_one(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    with Logbook(whole, 0) as book:
        write_steps(book, 1, 30)
    with Logbook(broken, 0) as book:
        write_steps(book, 1, 23)
    for name, torn in (("log.jsonl", b'{"step": 24, "lo'), ("metrics.csv", b"24,valid")):
        with open(broken / name, "ab") as stream:
            stream.write(torn)
    with Logbook(broken, 18) as book:
        write_steps(book, 19, 30)
    assert contents(broken) == contents(whole)


def test_the_files_are_what_they_say(tmp_path):
    with Logbook(tmp_path, 0) as book:
        book.log(1, {"loss": 0.1 + 0.2, "skipped": float("nan"), "lr": 5e-4})
        book.metrics(1, {"dice, mean": 1 / 3, "mm": float("inf")})
    assert read_log(tmp_path) == [{"step": 1, "loss": 0.1 + 0.2, "skipped": None, "lr": 5e-4}]
    with open(tmp_path / "metrics.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["metric"], row["value"]) for row in rows] == [("dice, mean", repr(1 / 3)), ("mm", "")]


def test_lines_can_be_followed_while_they_are_written(tmp_path):
    with Logbook(tmp_path, 0) as book:
        book.log(1, {"loss": 1.0})
        assert len(read_log(tmp_path)) == 1
        with open(tmp_path / "log.jsonl", "ab") as stream:
            stream.write(b'{"step": 2')
        assert len(read_log(tmp_path)) == 1


def test_the_log_rotates_and_is_rewound_through_all_files(tmp_path, monkeypatch):
    monkeypatch.setattr(logbook, "MAX_LOG_BYTES", 500)
    with Logbook(tmp_path, 0) as book:
        write_steps(book, 1, 100)
        kept = read_log(tmp_path)
        assert {path.name for path in tmp_path.glob("log*")} == {"log.jsonl", *(f"log.{n}.jsonl" for n in range(1, 5))}
        assert all(path.stat().st_size <= 500 for path in tmp_path.glob("log*"))
        assert [line["step"] for line in kept] == list(range(kept[0]["step"], 101))
        book.rewind(kept[0]["step"] + 2)
        assert read_log(tmp_path) == kept[:3]
        write_steps(book, kept[3]["step"], 100)
        assert [line["step"] for line in read_log(tmp_path)][-1] == 100


def test_a_new_run_begins_with_empty_logs(tmp_path):
    with Logbook(tmp_path, 0) as book:
        write_steps(book, 1, 5)
    Logbook(tmp_path, 0).close()
    assert read_log(tmp_path) == []
    assert (tmp_path / "metrics.csv").read_bytes() == b"step,metric,value\n"


def test_a_full_disk_is_an_error_and_leaves_whole_lines(tmp_path):
    class Full:
        def __init__(self, stream):
            self.stream = stream

        def write(self, data):
            if len(data) > 5:
                return self.stream.write(data[: len(data) - 5])
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name):
            return getattr(self.stream, name)

    with Logbook(tmp_path, 0) as book:
        book.log(1, {"loss": 1.0})
        stream = book._log._stream
        book._log._stream = Full(stream)
        with pytest.raises(FileAccessError, match="No space"):
            book.log(2, {"loss": 1.0})
        book._log._stream = stream
        book.log(3, {"loss": 1.0})
        book.sync()
    assert [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_bytes().splitlines()] == [1, 3]


def test_tensorboard_gets_the_numbers_where_it_is_installed(tmp_path, monkeypatch):
    calls: list[tuple] = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            calls.append(("open", purge_step))

        def add_scalar(self, name, value, step):
            calls.append((name, value, step))

        def flush(self):
            calls.append(("flush",))

        def close(self):
            calls.append(("close",))

    fake = ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = SummaryWriter
    monkeypatch.setattr(logbook.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    with Logbook(tmp_path, 7, tensorboard_every=2) as book:
        book.log(8, {"loss": 1.0, "subject": "a", "skipped": True})
        book.log(9, {"loss": 1.0})
        book.metrics(9, {"validation/dice": 0.5})
        book.sync()
    assert calls == [("open", 8), ("train/loss", 1.0, 8), ("validation/dice", 0.5, 9), ("flush",), ("close",)]
