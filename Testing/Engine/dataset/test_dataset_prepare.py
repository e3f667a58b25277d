"""From every layout to a dataset that samples are made from: resumed, with failures left out, never half a subject."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from BrainFMEngine.dataset import make_subject, prepare_one
from BrainFMEngine.dataset.dataset import Dataset, load_subjects, write_subject
from BrainFMEngine.errors import FileAccessError, InputImageError, UsageError
from BrainFMEngine.generator.generator import generate
from BrainFMEngine.generator.parameters import GeneratorOptions
from small_heads import AFFINE, SHAPE, head_labels, save, scan_of, write_label_maps


def states(outcomes) -> dict[str, str]:
    return {outcome.name: outcome.state for outcome in outcomes}


def test_label_maps_become_a_dataset_that_gives_samples(prepare_folder, tmp_path):
    outcomes, folder = prepare_folder(write_label_maps(tmp_path / "köpfe 1"), tmp_path / "set")
    assert set(states(outcomes).values()) == {"prepared"}
    dataset = Dataset(folder)
    assert dataset.names() == ["head_00", "head_01", "head_02"]
    assert [len(dataset.names(part)) for part in ("train", "validation", "test")] == [1, 1, 1]
    subject = load_subjects(folder, "train")[0]
    assert subject.rows.dtype == subject.distance.dtype == torch.uint8 and subject.distance.shape[0] == 4
    info = dataset.info(subject.name)
    assert info.targets == ("segmentation", "distance") and info.checks.brain_ml > 1 and info.collection == "k-pfe-1"
    assert dataset.brain_mask(subject.name).shape == subject.shape
    sample = generate(subject, GeneratorOptions(shape=(32, 32, 32), severities=(0.5,)), 1)[0]
    assert torch.isfinite(sample.image).all() and set(sample.targets) >= {"segmentation", "distance"}


def test_what_is_done_is_kept_and_what_changed_is_done_again(prepare_folder, tmp_path):
    source, folder = write_label_maps(tmp_path / "labels"), tmp_path / "set"
    prepare_folder(source, folder)
    split = Dataset(folder).split
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "subjects").iterdir()}
    save(source / "head_01.nii.gz", head_labels(4))
    (folder / "subjects" / "head_02.npz").write_bytes(b"cut")
    save(source / "head_10.nii.gz", head_labels(5))
    outcomes, _ = prepare_folder(source, folder)
    assert states(outcomes) == {
        "head_00": "kept", "head_01": "prepared", "head_02": "prepared", "head_10": "prepared",
    }  # fmt: skip
    assert (folder / "subjects" / "head_00.npz").stat().st_mtime_ns == before["head_00.npz"]
    extended = Dataset(folder).split
    for part in ("train", "validation", "test"):
        assert set(split.part(part)) <= set(extended.part(part))
    assert extended.names == split.names | {"head_10"}


def test_interrupted_anywhere_it_goes_on_to_the_same_bits(prepare_folder, tmp_path, monkeypatch):
    source = write_label_maps(tmp_path / "labels")
    prepare_folder(source, tmp_path / "whole")
    original, calls = prepare_one.write_subject, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(prepare_one, "write_subject", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare_folder(source, tmp_path / "parts")
    assert Dataset(tmp_path / "parts").names() == ["head_00"]
    monkeypatch.setattr(prepare_one, "write_subject", original)
    outcomes, _ = prepare_folder(source, tmp_path / "parts")
    assert states(outcomes)["head_00"] == "kept"
    for name in Dataset(tmp_path / "whole").names():
        arrays = [Dataset(tmp_path / folder).arrays(name) for folder in ("whole", "parts")]
        assert all(np.array_equal(arrays[0][key], arrays[1][key]) for key in arrays[0])
    assert Dataset(tmp_path / "whole").split == Dataset(tmp_path / "parts").split


def test_failing_subjects_are_reported_and_left_out(prepare_folder, told, tmp_path):
    source, folder = write_label_maps(tmp_path / "labels"), tmp_path / "set"
    (source / "broken.nii.gz").write_bytes(b"no image at all")
    save(source / "merged.nii.gz", np.where(head_labels() == 42, 3, np.where(head_labels() == 41, 2, head_labels())))
    save(source / "scan.nii.gz", scan_of(head_labels()))
    save(
        source / "tissues.nii.gz",
        np.isin(head_labels(), (2, 41)) + 2 * np.isin(head_labels(), (3, 42)).astype(np.int16),
    )
    save(source / "unknown.nii.gz", np.where(head_labels() == 24, 4711, head_labels()))
    outcomes, _ = prepare_folder(source, folder)
    failed = {name for name, state in states(outcomes).items() if state == "failed"}
    assert failed == {"broken", "merged", "scan", "tissues", "unknown"} and len(told.errors) == 5
    assert Dataset(folder).names() == ["head_00", "head_01", "head_02"]
    reasons = json.loads((folder / "failed.json").read_text(encoding="utf-8"))
    assert set(reasons) == failed and "4711" in reasons["unknown"]["message"]
    assert "merged" in reasons["merged"]["message"] and "tissue classes" in reasons["tissues"]["message"]
    assert not any(path.name.startswith(".") for path in (folder / "subjects").iterdir())


def test_scans_are_aligned_scaled_and_masked(prepare_folder, tmp_path):
    labels = head_labels()
    moved = AFFINE.copy()
    moved[1, 3] += 4
    save(tmp_path / "labels" / "a.nii", labels)
    save(tmp_path / "T1w" / "a.nii", scan_of(labels))
    save(tmp_path / "FLAIR" / "a.nii", scan_of(labels, 1, inverted=True), moved)
    outcomes, folder = prepare_folder(tmp_path, tmp_path / "set")
    assert states(outcomes) == {"a": "prepared"}
    dataset = Dataset(folder)
    subject, info = dataset.load("a"), dataset.info("a")
    assert info.contrasts == ("FLAIR", "T1") and info.checks.moved_mm["FLAIR"] == pytest.approx(4, abs=1)
    white = subject.images["T1"][subject.rows == 1].float().median()
    assert white == pytest.approx(0.9, abs=0.02)
    stripped = dataset.load("a", strip=True).images["T1"].numpy()
    assert not stripped[~dataset.brain_mask("a")].any() and stripped.any()


def test_a_scan_beside_its_labels_is_refused(prepare_folder, tmp_path):
    labels = head_labels()
    save(tmp_path / "labels" / "a.nii", labels)
    save(tmp_path / "T1w" / "a.nii", np.roll(scan_of(labels), 6, axis=1))
    outcomes, _ = prepare_folder(tmp_path, tmp_path / "set")
    assert outcomes[0].state == "failed" and "not aligned" in outcomes[0].error.message


def test_freesurfer_bids_and_authors_layouts_are_read(prepare_folder, tmp_path):
    labels, scan = head_labels(), scan_of(head_labels())
    surfer = tmp_path / "subjects"
    save(surfer / "s1" / "mri" / "aseg.mgz", labels)
    save(surfer / "s1" / "mri" / "T1.mgz", scan)
    bids = tmp_path / "bids"
    save(bids / "sub-1" / "anat" / "sub-1_T1w.nii.gz", scan)
    save(bids / "derivatives" / "d" / "sub-1" / "anat" / "sub-1_desc-aseg_dseg.nii.gz", labels)
    flat = tmp_path / "flat"
    save(flat / "HCP.1.T1w.nii", scan)
    save(flat / "HCP.1.brainseg_with_extracerebral.nii", np.where(labels > 500, labels + 400, labels))
    for index, axis in enumerate("xyz"):
        points = np.indices(SHAPE)[index] + AFFINE[index, 3]
        save(flat / f"HCP.1.mni_reg.{axis}.nii", (points * 100).astype(np.int16))
    for name in ("lp", "lw", "rp", "rw"):
        coded = np.where(np.isin(labels, (2, 4, 13, 41, 43, 52)), 68, 188).astype(np.uint8)
        save(flat / f"HCP.1.{name}_dist_map.nii", coded)
    loaded = {}
    for source in (surfer, bids, flat):
        outcomes, folder = prepare_folder(source, tmp_path / "sets" / source.name)
        assert [o.state for o in outcomes] == ["prepared"], outcomes[0].error
        loaded[source.name] = Dataset(folder).load(outcomes[0].name)
    assert all(set(subject.images) == {"T1"} for subject in loaded.values())
    assert torch.equal(loaded["subjects"].rows, loaded["bids"].rows)
    authors = loaded["flat"]
    assert set(authors.distance.unique().tolist()) == {68, 188}
    first = np.array(authors.affine_ras)[:3, 3]
    assert np.allclose(authors.atlas_mm[:, 4, 4, 4].float(), first + 12, atol=0.6)


def test_coordinates_of_all_kinds_and_atlas_space(prepare_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(make_subject, "register_to_atlas", lambda subject: pytest.fail("registered"))
    save(tmp_path / "l.nii", head_labels())
    points = np.stack(np.indices(SHAPE), -1) + AFFINE[:3, 3]
    save(tmp_path / "c.nii", (points + [5, 0, 0]).astype(np.float32))
    np.savetxt(tmp_path / "a.txt", np.diag([1, 1, 1, 1]))
    save(tmp_path / "d.nii", np.tile(np.float32([0, 7, 0]), (*SHAPE, 1)))
    (tmp_path / "list.csv").write_text(
        "name,labels,coordinates\nimage,l.nii,c.nii\nfield,l.nii,a.txt;d.nii\nsame,l.nii,atlas-space\n"
    )
    outcomes, folder = prepare_folder(tmp_path / "list.csv", tmp_path / "set", register=True)
    assert set(states(outcomes).values()) == {"prepared"}
    subjects = {name: Dataset(folder).load(name) for name in ("image", "field", "same")}
    base = subjects["same"].atlas_mm[:, 2:10, 2:10, 2:10].float()
    for name, shift in (("image", [5, 0, 0]), ("field", [0, 7, 0])):
        moved = subjects[name].atlas_mm[:, 2:10, 2:10, 2:10].float() - base
        assert torch.allclose(moved, torch.tensor(shift).float()[:, None, None, None].expand_as(moved), atol=0.05)
    assert Dataset(folder).info("same").targets[-1] == "registration"


def test_images_alone_are_a_subject_too(prepare_folder, told, tmp_path):
    labels = head_labels()
    brain = np.where(np.isin(labels, (2, 3, 4, 13, 41, 42, 43, 52)), scan_of(labels), 0).astype(np.float32)
    save(tmp_path / "T1w.nii", brain)
    (tmp_path / "list.csv").write_text("name,t1\na,T1w.nii\n")
    outcomes, folder = prepare_folder(tmp_path / "list.csv", tmp_path / "set")
    assert states(outcomes) == {"a": "prepared"} and any("no labels" in text for text in told.warnings)
    subject = Dataset(folder).load("a")
    assert subject.rows is None and subject.images["T1"].float().max() > 0.8
    sample = generate(subject, GeneratorOptions(shape=(32, 32, 32), severities=(0.5,), real_input_probability=1.0), 1)
    assert "T1" in sample[0].targets


def test_a_full_disk_stops_and_leaves_what_was_there(prepare_folder, tmp_path, monkeypatch):
    source, folder = write_label_maps(tmp_path / "labels"), tmp_path / "set"
    prepare_folder(source, folder)
    subject, info = Dataset(folder).load("head_00"), Dataset(folder).info("head_00")

    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FileAccessError, match="No space"):
        write_subject(folder, subject, info)
    assert torch.equal(Dataset(folder).load("head_00").rows, subject.rows)
    assert not list((folder / "subjects").glob(".*"))


def test_a_damaged_file_names_itself_and_many_stop_the_reading(prepare_folder, tmp_path):
    _, folder = prepare_folder(write_label_maps(tmp_path / "labels"), tmp_path / "set", fractions=(1.0, 0.0, 0.0))
    content = (folder / "subjects" / "head_01.npz").read_bytes()
    (folder / "subjects" / "head_01.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputImageError, match="head_01.npz"):
        Dataset(folder).load("head_01")
    with pytest.raises(InputImageError, match="1 of 3 subjects"):
        load_subjects(folder, "train")
    with pytest.raises(UsageError, match="no subject"):
        load_subjects(folder, "test")


def test_what_is_no_dataset_is_refused(tmp_path):
    with pytest.raises(FileAccessError, match="no dataset"):
        Dataset(tmp_path)
    (tmp_path / "dataset.json").write_text('{"format_version": 9}')
    with pytest.raises(InputImageError, match="version 9"):
        Dataset(tmp_path)
    (tmp_path / "dataset.json").write_text('{"format_version": 1, "spacing": 1}')
    with pytest.raises(InputImageError, match="spacing_mm"):
        Dataset(tmp_path)
