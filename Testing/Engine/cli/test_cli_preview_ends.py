"""How `brainfm preview` ends: when told to, at the end of its input, with the program that started it; on no fault."""

from __future__ import annotations

import io
import json
import os
import threading
import time

import pytest
from small_heads import head_labels, save

pytest.importorskip("torch")

from BrainFMEngine.cli import preview_inbox
from BrainFMEngine.cli.preview_inbox import Inbox
from BrainFMEngine.cli.previewing import _Answers, _Worker
from preview_worker import PreviewWorker


@pytest.fixture
def worker():
    started = PreviewWorker()
    yield started
    started.kill()


@pytest.fixture
def head(tmp_path):
    labels = save(tmp_path / "head.nii.gz", head_labels())
    return {"anatomy": str(labels), "folder": str(tmp_path / "out"), "shape": 32}


@pytest.mark.parametrize("line", ['{"stop": true}', "stop"])
def test_it_ends_when_told_to(worker, head, line):
    worker.send(**{**head, "shape": 128, "samples": 64})
    worker.write(line)
    assert worker.process.wait(timeout=60) == 0
    assert not [event for event in worker.rest() if event["event"] == "done"]


def test_what_was_asked_for_before_the_end_of_input_is_done(worker, head):
    number = worker.send(**head)
    worker.process.stdin.close()
    assert worker.process.wait(timeout=120) == 0
    last = worker.rest()[-1]
    assert (last["event"], last["request"]) == ("done", number)


def test_it_ends_when_nobody_reads_its_answers(worker, head):
    worker.send(**{**head, "shape": 128, "samples": 64})
    worker.process.stdout.close()
    assert worker.process.wait(timeout=60) == 0


def inbox_of(lines: list[str], **told) -> Inbox:
    reader, writer = os.pipe()
    inbox = Inbox(told.get("on_error", lambda *_: None), told.get("on_cancelled", lambda _: None), reader)
    inbox.start()
    os.write(writer, "".join(f"{line}\n" for line in lines).encode())
    os.close(writer)
    time.sleep(0.2)
    return inbox


def request(number: int, **values) -> str:
    return json.dumps({"request": number, "folder": "out", **values})


def test_previews_replace_each_other_and_jobs_do_not():
    cancelled: list[int] = []
    lines = [request(1), request(2, export="a"), request(3), request(4, save_recipe="b"), request(5)]
    inbox = inbox_of(lines, on_cancelled=cancelled.append)
    assert [inbox.next().request for _ in range(3)] == [2, 4, 5]
    assert inbox.next() is None and cancelled == [1, 3]


def test_a_line_without_end_is_refused_and_the_next_one_read(monkeypatch):
    monkeypatch.setattr(preview_inbox, "MAX_LINE_BYTES", 5000)
    errors: list[Exception] = []
    inbox = inbox_of(["x" * 30_000, request(7)], on_error=lambda name, error: errors.append(error))
    assert inbox.next().request == 7 and len(errors) == 1


def test_the_anatomy_is_read_on_for_the_next_request_of_the_same_head():
    reader, writer = os.pipe()
    inbox = Inbox(lambda *_: None, lambda _: None, reader)
    inbox.start()
    os.write(writer, f"{request(1, anatomy='a')}\n".encode())
    first = inbox.next()
    assert inbox.wants(first) and inbox.wants_anatomy(first)
    os.write(writer, f"{request(2, anatomy='a', seed=5)}\n".encode())
    wait_until(lambda: not inbox.wants(first))
    assert inbox.wants_anatomy(first)
    os.write(writer, f"{request(3, anatomy='b')}\n".encode())
    wait_until(lambda: not inbox.wants_anatomy(first))
    os.close(writer)


def wait_until(holds) -> None:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert holds()


class ShortOfMemory:
    """A previewer whose first draw finds no memory."""

    def __init__(self):
        self.cleared = 0

    def draw(self, request, told):
        if request.seed == 1:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory")
        raise ValueError("unforeseen")

    def clear(self):
        self.cleared += 1


def test_memory_and_what_nobody_foresaw_end_as_sentences(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    reader, writer = os.pipe()
    stream, previewer = io.StringIO(), ShortOfMemory()
    worker = _Worker(previewer, _Answers(stream), reader)
    thread = threading.Thread(target=worker.run)
    thread.start()
    for number in (1, 2):
        os.write(writer, f"{request(number, seed=number)}\n".encode())
        wait_until(lambda number=number: stream.getvalue().count("\n") == number)
    os.close(writer)
    thread.join(timeout=20)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["code"] == 5 and "memory" in first["message"] and "smaller" in first["hint"]
    assert previewer.cleared == 1
    assert second["code"] == 1 and "unforeseen" in second["message"] and "details in" in second["hint"]
