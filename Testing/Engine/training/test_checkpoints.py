"""Checkpoints: what is saved comes back bit for bit, and nothing else is ever taken for it."""

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
from collections import OrderedDict, namedtuple

import pytest
import torch
from BrainFMEngine import durable_file
from BrainFMEngine.errors import FileAccessError, ModelFileError
from BrainFMEngine.training import checkpoints
from BrainFMEngine.training.checkpoints import (
    checkpoint_path,
    keep_checkpoint,
    load_checkpoint,
    prune_checkpoints,
    require_space,
    resume_checkpoint,
    save_checkpoint,
    step_name,
)
from BrainFMEngine.training.plain_state import NotFiniteError
from BrainFMEngine.training.sidecar import DamagedCheckpointError

Usage = namedtuple("Usage", "total used free")


def state_of(step: int) -> dict:
    return {"step": step, "weights": torch.full((300,), float(step))}


def save_steps(folder, *steps):
    for step in steps:
        save_checkpoint(folder, "last", state_of(step))


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_training_state_comes_back_bit_for_bit(tmp_path):
    network = torch.nn.Linear(4, 3)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.randn(2, 4)).sum().backward()
    optimizer.step()
    state = {
        "step": 7,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "half": torch.randn(5).to(torch.bfloat16),
        "plain": {"rate": 0.1, "huge": 2**200, "none": None, "flag": True, "pair": (1, "ä")},
    }
    loaded = load_checkpoint(save_checkpoint(tmp_path, "last", state))
    assert loaded["plain"] == state["plain"]
    assert torch.equal(loaded["half"], state["half"])
    assert all(torch.equal(loaded["network"][name], tensor) for name, tensor in network.state_dict().items())
    moments = loaded["optimizer"]["state"][0]
    assert torch.equal(moments["exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"])
    optimizer.load_state_dict(loaded["optimizer"])


def test_last_becomes_previous_and_no_temporary_is_left(tmp_path):
    save_steps(tmp_path, 1, 2, 3)
    assert load_checkpoint(checkpoint_path(tmp_path, "last"))["step"] == 3
    assert load_checkpoint(checkpoint_path(tmp_path, "previous"))["step"] == 2
    assert names(tmp_path) == {"last.pt", "last.json", "previous.pt", "previous.json"}
    record = json.loads((tmp_path / "last.json").read_text())
    assert record["step"] == 3
    assert record["bytes"] == (tmp_path / "last.pt").stat().st_size


def test_another_program_can_read_the_file(tmp_path):
    path = save_checkpoint(tmp_path, "last", state_of(4))
    assert torch.load(path, weights_only=True)["step"] == 4


@pytest.mark.parametrize("linked", [True, False])
def test_best_outlives_later_saves(tmp_path, monkeypatch, linked):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    if not linked:
        monkeypatch.setattr(os, "link", refuse)
    for step in (1, 2, 3):
        save_steps(tmp_path, step)
        if step < 3:
            keep_checkpoint(tmp_path, "last", "best")
            keep_checkpoint(tmp_path, "last", "best")
    assert load_checkpoint(checkpoint_path(tmp_path, "best"))["step"] == 2
    assert not list(tmp_path.glob(".*"))


def test_going_back_to_an_older_checkpoint(tmp_path):
    save_steps(tmp_path, 1)
    keep_checkpoint(tmp_path, "last", "best")
    save_steps(tmp_path, 2)
    keep_checkpoint(tmp_path, "best", "last")
    assert resume_checkpoint(tmp_path)[1]["step"] == 1
    assert load_checkpoint(checkpoint_path(tmp_path, "previous"))["step"] == 2
    save_steps(tmp_path, 5)
    assert load_checkpoint(checkpoint_path(tmp_path, "best"))["step"] == 1


def test_periodic_checkpoints_are_pruned_oldest_first(tmp_path):
    for step in (5, 10, 100):
        save_steps(tmp_path, step)
        keep_checkpoint(tmp_path, "last", step_name(step))
    assert prune_checkpoints(tmp_path, 2) == [step_name(5)]
    assert {"step-00000010.pt", "step-00000100.pt", "step-00000010.json"} <= names(tmp_path)
    assert prune_checkpoints(tmp_path, 2) == []


def test_a_damaged_last_falls_back_to_previous(tmp_path):
    save_steps(tmp_path, 1, 2)
    flip_a_byte(tmp_path / "last.pt")
    warnings: list[str] = []
    name, state = resume_checkpoint(tmp_path, warnings.append)
    assert (name, state["step"]) == ("previous", 1)
    assert "last.pt.damaged" in warnings[0]
    assert "last.pt.damaged" in names(tmp_path)
    save_steps(tmp_path, 2)
    assert resume_checkpoint(tmp_path)[0] == "last"


@pytest.mark.parametrize("fault", ["cut", "no description", "broken description", "empty"])
def test_other_damage_falls_back_too(tmp_path, fault):
    save_steps(tmp_path, 1, 2)
    last, sidecar = tmp_path / "last.pt", tmp_path / "last.json"
    if fault == "cut":
        last.write_bytes(last.read_bytes()[:-100])
    elif fault == "empty":
        last.write_bytes(b"")
    elif fault == "no description":
        sidecar.unlink()
    else:
        sidecar.write_text("{")
    assert resume_checkpoint(tmp_path)[1]["step"] == 1


def test_a_bad_sector_falls_back_too(tmp_path, monkeypatch):
    save_steps(tmp_path, 1, 2)
    real = checkpoints.verify

    def unreadable(path, stream):
        if path.stem == "last":
            raise OSError(errno.EIO, "Input/output error")
        return real(path, stream)

    monkeypatch.setattr(checkpoints, "verify", unreadable)
    assert resume_checkpoint(tmp_path)[1]["step"] == 1


def test_with_everything_damaged_a_run_does_not_begin_anew(tmp_path):
    assert resume_checkpoint(tmp_path) is None
    save_steps(tmp_path, 1, 2)
    keep_checkpoint(tmp_path, "last", "best")
    flip_a_byte(tmp_path / "previous.pt")
    os.replace(tmp_path / "previous.pt", tmp_path / "last.pt")
    with pytest.raises(DamagedCheckpointError, match="best"):
        resume_checkpoint(tmp_path)
    with pytest.raises(DamagedCheckpointError):
        resume_checkpoint(tmp_path)


def test_code_is_never_run(tmp_path):
    class Payload:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "executed"),))

    path = save_checkpoint(tmp_path, "last", state_of(1))
    torch.save({"step": 1, "bad": Payload()}, path)
    size, digest = path.stat().st_size, checkpoints.file_sha256(path)
    record = {"format": 1, "step": 1, "bytes": size, "sha256": digest, "replaces": None}
    path.with_suffix(".json").write_text(json.dumps(record))
    with pytest.raises(ModelFileError):
        load_checkpoint(path)
    path.write_bytes(pickle.dumps(Payload()))
    with pytest.raises(ModelFileError):
        load_checkpoint(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_is_refused_and_the_old_checkpoint_stays(tmp_path, value):
    save_steps(tmp_path, 1)
    state = state_of(2)
    state["weights"][17] = value
    with pytest.raises(NotFiniteError, match="state.weights"):
        save_checkpoint(tmp_path, "last", state)
    assert resume_checkpoint(tmp_path)[1]["step"] == 1
    assert "previous.pt" not in names(tmp_path)


@pytest.mark.parametrize("value", [{1, 2}, object(), torch.nn.Linear(1, 1), b"x"])
def test_only_tensors_and_plain_values_are_saved(tmp_path, value):
    with pytest.raises(TypeError, match="state.what"):
        save_checkpoint(tmp_path, "last", {"step": 1, "what": value})
    with pytest.raises(TypeError, match="step"):
        save_checkpoint(tmp_path, "last", OrderedDict())


def test_a_small_part_of_a_large_tensor_takes_little_space(tmp_path):
    path = save_checkpoint(tmp_path, "last", {"step": 1, "part": torch.zeros(1_000_000)[:10]})
    assert path.stat().st_size < 10_000


def test_too_little_space_is_said_before_anything_is_written(tmp_path, monkeypatch):
    save_steps(tmp_path, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10_000, 7_000, 3_000))
    with pytest.raises(FileAccessError, match="free"):
        save_checkpoint(tmp_path, "last", state_of(2))
    with pytest.raises(FileAccessError):
        require_space(tmp_path, 2_000)
    require_space(tmp_path, 900)
    assert names(tmp_path) == {"last.pt", "last.json"}
    assert resume_checkpoint(tmp_path)[1]["step"] == 1


class FullDisk:
    """A stream on a disk that takes so many bytes."""

    def __init__(self, stream, room: list[int]):
        self.stream, self.room = stream, room

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def write(self, data):
        self.room[0] -= len(data)
        if self.room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.stream.write(data)


def test_a_disk_that_fills_up_keeps_the_old_checkpoints(tmp_path, monkeypatch):
    save_steps(tmp_path, 1, 2)
    room = [0]
    monkeypatch.setattr(durable_file, "open", lambda path, mode: FullDisk(open(path, mode), room), raising=False)
    size = (tmp_path / "last.pt").stat().st_size
    for available in (0, 10, size // 2, size - 1, size, size + 50, size + 400):
        room[0] = available
        with pytest.raises(FileAccessError, match="No space"):
            save_checkpoint(tmp_path, "last", state_of(3))
        assert not list(tmp_path.glob(".*"))
        assert resume_checkpoint(tmp_path, pytest.fail)[1]["step"] == 2
    room[0] = 10 * size
    save_steps(tmp_path, 3)
    assert resume_checkpoint(tmp_path)[1]["step"] == 3


def test_a_rename_that_fails_is_no_success(tmp_path, monkeypatch):
    save_steps(tmp_path, 1, 2)

    def refuse(source, target):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(FileAccessError, match="not saved"):
        save_checkpoint(tmp_path, "last", state_of(3))
    monkeypatch.undo()
    assert resume_checkpoint(tmp_path)[1]["step"] == 2
