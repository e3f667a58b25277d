"""Files that are old or new, never half; checkpoints put it to harder tests."""

from __future__ import annotations

import errno
import os

import pytest
from BrainFMEngine import durable_file
from BrainFMEngine.durable_file import replace, write_durably


def test_a_reader_that_holds_the_file_is_waited_for_on_windows(tmp_path, monkeypatch):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("new")
    real, refusals = os.replace, [1, 2, 3]

    def busy(first, second):
        if refusals:
            refusals.pop()
            raise PermissionError(errno.EACCES, "in use")
        real(first, second)

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(durable_file, "PATIENT", True)
    replace(source, target)
    assert target.read_text() == "new"


def test_what_cannot_be_written_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_durably(path, b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_durably(path, memoryview(b"new"))
    assert path.read_bytes() == b"old" and not list(tmp_path.glob(".*"))
