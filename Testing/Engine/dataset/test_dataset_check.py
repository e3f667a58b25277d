"""A broken dataset: everything that is wrong with it is told, and what is wrong can be left out."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from BrainFMEngine.dataset import needs
from BrainFMEngine.dataset.check import check_dataset, exclude
from BrainFMEngine.dataset.dataset import Dataset, write_split, write_subject
from BrainFMEngine.dataset.split import Split
from BrainFMEngine.errors import FileAccessError
from small_heads import AFFINE, head_labels, save, scan_of


@pytest.fixture
def dataset(prepare_folder, tmp_path):
    """Four sound subjects: three to train on, one to validate."""
    for index in range(4):
        labels = head_labels(index)
        save(tmp_path / "source" / "labels" / f"h{index}.nii.gz", labels)
        save(tmp_path / "source" / "T1w" / f"h{index}.nii.gz", scan_of(labels, index))
    _, folder = prepare_folder(tmp_path / "source", tmp_path / "set", fractions=(0.75, 0.25, 0.0))
    return Dataset(folder)


def rewrite(dataset: Dataset, name: str, **changes) -> None:
    """Write a subject again with some arrays changed, its checksum right."""
    from dataclasses import replace

    subject, info = dataset.load(name), dataset.info(name)
    write_subject(dataset.folder, replace(subject, **changes), info)


def errors(dataset: Dataset) -> dict[str | None, str]:
    return {p.subject: p.message for p in check_dataset(dataset.folder) if p.severity == "error"}


def test_a_sound_dataset_has_no_errors(dataset):
    problems = check_dataset(dataset.folder)
    assert not [p for p in problems if p.severity == "error"]
    assert any("atlas coordinates" in p.message for p in problems if p.severity == "warning")
    assert exclude(dataset.folder, problems) == []


def test_damaged_and_missing_files(dataset):
    subjects = dataset.folder / "subjects"
    (subjects / "h0.npz").write_bytes((subjects / "h0.npz").read_bytes()[:-200])
    (subjects / "h1.npz").unlink()
    (subjects / "h2.json").write_text("{")
    (subjects / "h3.json").unlink()
    problems = check_dataset(dataset.folder)
    found = {p.subject: p.message for p in problems if p.severity == "error"}
    assert "damaged" in found["h0"] or "not those" in found["h0"]
    assert "cannot read" in found["h1"] and "not JSON" in found["h2"]
    assert "not in the dataset" in found["h3"]
    assert any(p.subject == "h3" and "not finished" in p.message for p in problems)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("geometry", "right angles"),
        ("mirrored", "exchanged"),
        ("range", "out of range"),
        ("nan", "no numbers"),
        ("empty", "is empty"),
        ("misaligned", "not aligned"),
        ("no brain", "no brain"),
        ("distances", "do not belong"),
        ("coordinates", "no millimetres"),
    ],
)
def test_wrong_contents(dataset, name, says):
    subject = dataset.load("h0")
    image = subject.images["T1"]
    nan, flat = image.clone(), torch.zeros_like(image)
    nan[3, 3, 3] = float("nan")
    out_of_range = subject.rows.clone()
    out_of_range[0, 0, 0] = 250
    coordinates = torch.full((3, *(-(-n // 3) + 1 for n in subject.shape)), float("inf")).half()
    changes = {
        "geometry": {"affine_ras": np.diag([1.0, 1.0, 1.2, 1.0])},
        "mirrored": {"rows": subject.rows.flip(0), "distance": None, "images": {"T1": image.flip(0)}},
        "range": {"rows": out_of_range},
        "nan": {"images": {"T1": nan}},
        "empty": {"images": {"T1": flat}},
        "misaligned": {"images": {"T1": image.roll(6, 1)}},
        "no brain": {"rows": torch.zeros_like(subject.rows)},
        "distances": {"distance": 255 - subject.distance},
        "coordinates": {"atlas_mm": coordinates},
    }
    rewrite(dataset, "h0", **changes[name])
    found = errors(dataset)
    assert set(found) == {"h0"} and says in found["h0"], found


def test_wrong_shapes_and_kinds_are_refused(dataset):
    path = dataset.file("h0")
    arrays = dataset.arrays("h0")
    for changed, says in (
        ({"distance": arrays["distance"][:, 1:]}, "has shape"),
        ({"rows": arrays["rows"].astype(np.int32)}, "int32"),
        ({"image_T9": arrays["image_T1"]}, "unknown array"),
    ):
        with path.open("wb") as file:
            np.savez(file, **(arrays | changed))
        messages = [p.message for p in check_dataset(dataset.folder) if p.subject == "h0"]
        assert any(says in message for message in messages)


def test_the_same_scan_and_the_same_person_in_two_parts(dataset, prepare_folder, tmp_path):
    train, other = dataset.split.train[:2]
    validation = dataset.split.validation[0]
    rewrite(dataset, validation, rows=dataset.load(train).rows[:], images={}, distance=None)
    assert "same scan" in errors(dataset)[max(train, validation)]
    path = dataset.folder / "subjects" / f"{validation}.json"
    record = json.loads(path.read_text())
    record["person"] = other
    path.write_text(json.dumps(record))
    assert any("same person" in message for message in errors(dataset).values())


def test_a_split_that_cannot_be(dataset):
    path = dataset.folder / "split.json"
    path.write_text(json.dumps({"train": ["h0", "nobody"], "validation": ["h0"]}))
    assert "'h0' is in train and in validation" in errors(dataset)[None]
    path.write_text(json.dumps({"train": ["nobody"]}))
    assert "not in the dataset" in errors(Dataset(dataset.folder))["nobody"]
    path.unlink()
    assert "for training" in errors(Dataset(dataset.folder))[None]


def test_too_little_memory_and_disk(dataset, monkeypatch):
    monkeypatch.setattr(needs, "host_available_bytes", lambda: 1 << 16)
    monkeypatch.setattr(needs, "FREE_BYTES", 1 << 60)
    problems = check_dataset(dataset.folder)
    memory = next(p for p in problems if "GiB of memory" in p.message)
    assert memory.severity == "warning" and "read anew" in memory.hint
    assert not [p for p in problems if p.severity == "error"]
    assert any("GiB free" in p.message and p.severity == "warning" for p in problems)


def test_needs_are_those_of_who_is_learnt_from(dataset):
    from BrainFMEngine.dataset.check import examine

    before = examine(dataset.folder).needs
    assert before.dataset > 10_000 and before.disk_free > 0 and before.memory_free > before.subjects > 0
    each = sum(array.nbytes for key, array in dataset.arrays("h0").items() if key != "brain_mask")
    write_split(dataset.folder, Split(train=("h0",), test=("h1", "h2", "h3")))
    assert examine(dataset.folder).needs.subjects == each < before.subjects


def test_a_dataset_that_is_removed_during_the_check_is_one_sentence(dataset):
    class Remover:
        def stage(self, name, fraction):
            if fraction > 0.4 and dataset.folder.exists():
                shutil.rmtree(dataset.folder)

    with pytest.raises(FileAccessError, match="not there any more"):
        check_dataset(dataset.folder, Remover())


def test_excluding_leaves_the_rest_ready(dataset):
    (dataset.folder / "subjects" / "h0.npz").write_bytes(b"")
    problems = check_dataset(dataset.folder)
    assert exclude(dataset.folder, problems) == ["h0"]
    split: Split = Dataset(dataset.folder).split
    assert split.excluded == ("h0",) and "h0" not in split.train + split.validation
    left = [p for p in check_dataset(dataset.folder) if p.severity == "error"]
    assert {p.subject for p in left} == {"h0"}


def test_no_dataset_at_all(tmp_path):
    assert AFFINE.shape == (4, 4)
    with pytest.raises(FileAccessError, match="no dataset"):
        check_dataset(tmp_path)
