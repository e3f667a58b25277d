"""Several processes make the same dataset as one; a process that dies is one subject's failure."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

from BrainFMEngine.dataset import workers
from BrainFMEngine.dataset.dataset import Dataset
from BrainFMEngine.dataset.in_use import PREPARE_LOCK
from BrainFMEngine.dataset.workers import prepare_in_processes
from BrainFMEngine.errors import FileAccessError, UsageError
from BrainFMEngine.folder_lock import FolderLock, is_locked
from small_heads import head_labels, save, write_label_maps

PREPARE = """
import sys
from pathlib import Path
from BrainFMEngine.cli import main
if __name__ == "__main__":
    sys.exit(main(["prepare", sys.argv[1], "-o", sys.argv[2], "--no-atlas", "--jobs", "2", "--progress", "json"]))
"""


def contents(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_processes_make_what_one_makes_and_tell_the_same(prepare_folder, told, tmp_path):
    source = write_label_maps(tmp_path / "köpfe", 2)
    (source / "broken.nii.gz").write_bytes(b"no image at all")
    one, _ = prepare_folder(source, tmp_path / "one", register=True)
    heard = list(told.all)
    told.all.clear()
    several, _ = prepare_folder(source, tmp_path / "several", jobs=2, register=True)
    assert [(o.name, o.state, str(o.error)) for o in several] == [(o.name, o.state, str(o.error)) for o in one]
    assert told.all == heard
    assert contents(tmp_path / "several") == contents(tmp_path / "one")
    told.all.clear()
    again, _ = prepare_folder(source, tmp_path / "several", jobs=3, register=True)
    assert {o.state for o in again} == {"kept", "failed"}


def test_a_process_that_is_killed_is_its_subjects_failure(prepare_folder, told, tmp_path, monkeypatch):
    source, folder = write_label_maps(tmp_path / "labels", 4), tmp_path / "set"
    begin = workers._Worker.begin

    def begin_and_kill(worker, index, source):
        begin(worker, index, source)
        if index == 1:
            worker.process.kill()

    monkeypatch.setattr(workers._Worker, "begin", begin_and_kill)
    outcomes, _ = prepare_folder(source, folder, jobs=2)
    assert [outcome.state for outcome in outcomes] == ["prepared", "failed", "prepared", "prepared"]
    error = outcomes[1].error
    assert "head_01 cannot be prepared: its process" in error.message and "--jobs" in error.hint
    assert told.errors == [error]
    assert list(json.loads((folder / "failed.json").read_text(encoding="utf-8"))) == ["head_01"]
    assert Dataset(folder).names() == ["head_00", "head_02", "head_03"]
    assert not multiprocessing.active_children()
    outcomes, _ = prepare_folder(source, folder)
    assert sorted(outcome.state for outcome in outcomes) == ["kept", "kept", "kept", "prepared"]
    assert json.loads((folder / "failed.json").read_text(encoding="utf-8")) == {}


def test_what_stops_one_process_stops_all(told, tmp_path):
    from BrainFMEngine.dataset.prepare import PrepareOptions
    from BrainFMEngine.dataset.sources import find_subjects

    sources = find_subjects(write_label_maps(tmp_path / "labels", 2), "auto")
    with pytest.raises(FileAccessError, match="no dataset"):
        prepare_in_processes(sources, tmp_path / "nowhere", PrepareOptions(register=False), told, 2)
    assert not multiprocessing.active_children()


def test_a_dataset_is_prepared_by_one_at_a_time(prepare_folder, tmp_path):
    save(tmp_path / "labels" / "head.nii", head_labels())
    with FolderLock(tmp_path / "set" / PREPARE_LOCK, "preparation"):
        with pytest.raises(UsageError, match="in use for preparation by process"):
            prepare_folder(tmp_path / "labels", tmp_path / "set")
    assert prepare_folder(tmp_path / "labels", tmp_path / "set")[0][0].state == "prepared"
    assert not (tmp_path / "set" / PREPARE_LOCK).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_processes_do_not_outlive_the_one_that_started_them(tmp_path):
    source, folder = write_label_maps(tmp_path / "labels", 6), tmp_path / "set"
    command = [sys.executable, "-c", PREPARE, str(source), str(folder)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        next(line for line in first.stdout if '"stage": "masking' in line)
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    finally:
        first.kill()
        first.wait()
    deadline = time.monotonic() + 30
    while (left := [child for child in children if Path(f"/proc/{child}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert children and not left
    assert not is_locked(folder / PREPARE_LOCK)
    assert subprocess.run(command, stdout=subprocess.PIPE, check=False).returncode == 0
    assert len(Dataset(folder).names()) == 6
