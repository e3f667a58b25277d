"""Moving subjects between the parts of a split: all or nothing, never under a training, never a person in two parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from BrainFMEngine.dataset import in_use, split_edit
from BrainFMEngine.dataset.folder import DatasetFolder
from BrainFMEngine.dataset.in_use import IN_USE, PREPARE_LOCK, SPLIT_LOCK, learners, learning_from
from BrainFMEngine.dataset.split_edit import move_subjects, parse_moves, read_moves
from BrainFMEngine.errors import FileAccessError, InputImageError, UsageError
from BrainFMEngine.folder_lock import FolderLock

SPLIT = {"train": ["anna", "berta"], "validation": ["carla"], "test": ["dora-1", "dora-2"], "excluded": []}


@pytest.fixture
def folder(tmp_path):
    """The small files of a dataset of four people; dora has two scans."""
    folder = tmp_path / "satz ü"
    (folder / "subjects").mkdir(parents=True)
    (folder / "dataset.json").write_text('{"format_version": 1}')
    (folder / "split.json").write_text(json.dumps(SPLIT))
    for names in SPLIT.values():
        for name in names:
            info = {"name": name, "collection": "C", "person": name.split("-")[0], "sources": {}, "scheme": None}
            (folder / "subjects" / f"{name}.json").write_text(json.dumps(info | {"shape": [40, 40, 40]}))
    return folder


def split_of(folder) -> dict:
    return json.loads((folder / "split.json").read_text())


def test_subjects_are_moved_and_the_rest_stays(folder):
    move_subjects(folder, {"berta": "test", "carla": "excluded"})
    assert split_of(folder) == {
        "train": ["anna"], "validation": [], "test": ["berta", "dora-1", "dora-2"], "excluded": ["carla"],
    }  # fmt: skip
    move_subjects(folder, {"berta": "train", "carla": "validation"})
    assert split_of(folder) == SPLIT
    assert sorted(path.name for path in folder.iterdir()) == ["dataset.json", "split.json", "subjects"]


@pytest.mark.parametrize(
    ("moves", "says"),
    [
        ({"nobody": "test"}, "has no subject 'nobody'"),
        ({"anna": "tset"}, "no part 'tset'"),
        ({"anna": "test", "berta": "excluded"}, "nobody would be left"),
        ({"dora-1": "train"}, "same person would be in two parts: dora-1 .train., dora-2 .test."),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(folder, moves, says):
    with pytest.raises(UsageError, match=says):
        move_subjects(folder, {"carla": "test", **moves})
    assert split_of(folder) == SPLIT


def test_all_scans_of_a_person_move_together_or_are_left_out(folder):
    move_subjects(folder, {"dora-1": "excluded"})
    assert split_of(folder)["excluded"] == ["dora-1"]
    move_subjects(folder, {"dora-1": "train", "dora-2": "train"})
    assert split_of(folder)["train"] == ["anna", "berta", "dora-1", "dora-2"]


def test_a_subject_in_two_parts_can_only_come_from_elsewhere_and_is_told(folder):
    (folder / "split.json").write_text(json.dumps({**SPLIT, "test": ["anna"]}))
    with pytest.raises(InputImageError, match="'anna' is in train and in test"):
        move_subjects(folder, {"carla": "test"})


def test_a_damaged_subject_does_not_keep_others_from_moving(folder):
    (folder / "subjects" / "berta.json").write_text("{")
    move_subjects(folder, {"berta": "excluded"})
    assert split_of(folder)["excluded"] == ["berta"]


def test_a_training_keeps_what_it_reads(folder):
    with learning_from(folder):
        for moves in ({"berta": "test"}, {"carla": "excluded"}, {"berta": "validation"}):
            with pytest.raises(UsageError, match=f"in use for training by process {os.getpid()}"):
                move_subjects(folder, moves)
        assert split_of(folder) == SPLIT
        move_subjects(folder, {"dora-1": "excluded"})  # no training reads it
    assert not (folder / IN_USE).exists()
    move_subjects(folder, {"berta": "test"})


def test_several_trainings_learn_from_one_dataset(folder):
    with learning_from(folder), learning_from(folder):
        assert len(learners(folder)) == 2
    assert learners(folder) == []


def test_a_killed_training_is_forgotten(folder):
    code = "import sys, time; from pathlib import Path; from BrainFMEngine.dataset.in_use import learning_from\n"
    code += "with learning_from(Path(sys.argv[1])): print('there', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"there"
        assert [str(process.pid) in who for who in learners(folder)] == [True]
        process.kill()
    move_subjects(folder, {"berta": "test"})
    assert not list(folder.glob(f"{IN_USE}/*"))


def test_a_training_that_begins_while_the_split_is_replaced_reads_the_new_one(folder, monkeypatch):
    """Whoever is first: either the change is refused, or the training sees it."""
    seen, original = [], split_edit.write_split

    def slowly(*arguments):
        code = "import sys; from pathlib import Path; from BrainFMEngine.dataset.in_use import learning_from\n"
        code += "from BrainFMEngine.dataset.folder import DatasetFolder\n"
        code += "with learning_from(Path(sys.argv[1])): print(DatasetFolder(Path(sys.argv[1])).split.test)"
        seen.append(subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True))
        patience = time.monotonic() + 20
        while not list(folder.glob(f"{IN_USE}/*.lock")) and time.monotonic() < patience:
            time.sleep(0.01)
        original(*arguments)

    monkeypatch.setattr(split_edit, "write_split", slowly)
    move_subjects(folder, {"berta": "test"})
    assert "berta" in seen[0].communicate(timeout=30)[0]


def test_nobody_waits_where_nothing_can_be_written(folder, monkeypatch):
    def refuse(*arguments):
        raise FileAccessError("read-only")

    monkeypatch.setattr(in_use, "FolderLock", refuse)
    with learning_from(folder):
        assert not (folder / IN_USE).exists()
    with learning_from(folder / "missing"):
        assert not (folder / "missing").exists()


def test_a_preparation_and_a_full_disk_are_told(folder, monkeypatch):
    with (
        FolderLock(folder / PREPARE_LOCK, "preparation"),
        pytest.raises(UsageError, match="in use for preparation by process"),
    ):
        move_subjects(folder, {"berta": "test"})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("BrainFMEngine.dataset.files.write_durably", full)
    with pytest.raises(FileAccessError, match="No space left"):
        move_subjects(folder, {"berta": "test"})
    assert split_of(folder) == SPLIT and not (folder / SPLIT_LOCK).exists()


def test_moves_are_read_from_files_and_texts(folder, tmp_path):
    file = tmp_path / "moves.json"
    file.write_text(json.dumps({"test": ["anna"], "excluded": ["carla"]}))
    assert read_moves(file) == {"anna": "test", "carla": "excluded"}
    assert parse_moves(["a=b=test"]) == {"a=b": "test"}
    for text, says in (('{"test": "anna"}', "no list"), ("[1]", "no table"), ('{"a": ["x"], "b": ["x"]}', "in a and")):
        file.write_text(text)
        with pytest.raises((UsageError, InputImageError), match=says):
            read_moves(file)
    with pytest.raises(UsageError, match="moves nobody"):
        parse_moves(["anna"])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another user to be refused")
def test_without_permission_it_is_a_sentence(folder):
    (folder / "subjects").chmod(0o700)
    code = "import os; from pathlib import Path; from BrainFMEngine.dataset.folder import DatasetFolder\n"
    code += "from BrainFMEngine.dataset.split_edit import move_subjects\n"
    code += "from BrainFMEngine.errors import FileAccessError\nos.seteuid(65534)\nfolder = Path('.')\n"
    code += "for work in (lambda: DatasetFolder(folder).names(), lambda: move_subjects(folder, {'anna': 'test'})):\n"
    code += "    try: work()\n    except FileAccessError as error: print(error)\n"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout.count("Permission denied") == 2, done
    assert DatasetFolder(folder).split.train == ("anna", "berta")
