"""Every layout is found, and its files are told apart."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.dataset.sources import find_subjects, recognise_layout
from BrainFMEngine.errors import FileAccessError, UsageError


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def test_a_folder_of_label_maps(tmp_path):
    touch(tmp_path, "a.nii.gz", "b.mgz", ".hidden.nii.gz", "notes.txt", "coordinates/a.nii.gz", "T1w/b.nii")
    a, b = find_subjects(tmp_path)
    assert (a.name, b.name) == ("a", "b") and recognise_layout(tmp_path) == "labels"
    assert a.coordinates == (tmp_path / "coordinates" / "a.nii.gz",) and not b.coordinates
    assert b.images == {"T1": tmp_path / "T1w" / "b.nii"}


def test_freesurfer_subjects(tmp_path):
    touch(tmp_path, "s1/mri/aseg.mgz", "s1/mri/aparc+aseg.mgz", "s1/mri/T1.mgz", "s1/mri/orig.mgz", "s1/mri/T2.mgz")
    touch(tmp_path, *(f"s1/surf/{side}.{kind}" for side in ("lh", "rh") for kind in ("pial", "white")))
    touch(tmp_path, "s2/mri/orig.mgz", "s3/mri/aseg.mgz", "fsaverage/mri/aseg.mgz")
    first, third = find_subjects(tmp_path)
    assert (first.name, third.name) == ("s1", "s3")
    assert first.labels.name == "aparc+aseg.mgz" and first.images["T1"].name == "T1.mgz"
    assert set(first.images) == {"T1", "T2"} and set(first.surfaces) == {"lp", "lw", "rp", "rw"}
    assert not third.surfaces and find_subjects(tmp_path / "s1")[0].name == "s1"


@pytest.mark.parametrize(
    ("labels", "also"),
    [
        ("aparc.DKTatlas+aseg.mgz", "aseg.mgz"),
        ("aparc.DKTatlas+aseg.deep.mgz", "aseg.auto_noCCseg.mgz"),
        ("aparc.a2009s+aseg.mgz", "wmparc.mgz"),
        ("aseg.presurf.mgz", "filled.mgz"),
        ("synthseg.rca.mgz", "brainmask.mgz"),
        ("samseg/seg.mgz", "aseg.mgz"),
    ],
)
def test_the_best_segmentation_that_freesurfer_left_is_taken(tmp_path, labels, also):
    touch(tmp_path, f"s1/mri/{labels}", f"s1/mri/{also}", "s1/mri/orig.mgz", "s1/mri/orig/T2raw.mgz")
    (subject,) = find_subjects(tmp_path)
    assert subject.labels == tmp_path / "s1" / "mri" / labels
    assert {name: path.name for name, path in subject.images.items()} == {"T1": "orig.mgz", "T2": "T2raw.mgz"}


def test_time_points_of_one_person_belong_together(tmp_path):
    names = ("anna_tp1", "anna_tp2", "anna_tp1.long.anna", "anna", "berta", "sub-1_ses-a", "sub-1_ses-b.long.sub-1")
    touch(tmp_path, *(f"{name}/mri/aseg.mgz" for name in names), "fsaverage5/mri/aseg.mgz")
    persons = {subject.name: subject.person for subject in find_subjects(tmp_path)}
    assert persons == {
        "anna_tp1": "anna", "anna_tp2": "anna_tp2", "anna_tp1.long.anna": "anna", "anna": "anna", "berta": "berta",
        "sub-1_ses-a": "sub-1", "sub-1_ses-b.long.sub-1": "sub-1",
    }  # fmt: skip


def test_samseg_alone(tmp_path):
    touch(tmp_path, "s1/seg.mgz", "s1/mode01_bias_corrected.mgz", "s1/samseg.stats", "s2/other.mgz")
    (subject,) = find_subjects(tmp_path)
    assert (subject.name, subject.labels.name, subject.images) == ("s1", "seg.mgz", {})


def test_bids_runs_and_acquisitions_follow_the_label_map(tmp_path):
    stem = "sub-01/ses-a/anat/sub-01_ses-a"
    touch(tmp_path, f"{stem}_run-1_T1w.nii.gz", f"{stem}_run-2_T1w.nii.gz", f"{stem}_run-2_T1w.json")
    touch(tmp_path, f"{stem}_acq-fast_run-2_T2w.nii.gz", f"{stem}_run-2_T2w.nii.gz")
    touch(tmp_path, f"derivatives/synthseg/{stem}_run-2_T1w_synthseg.nii.gz")
    (subject,) = find_subjects(tmp_path)
    assert subject.labels.name.endswith("_run-2_T1w_synthseg.nii.gz")
    assert subject.images["T1"].name == "sub-01_ses-a_run-2_T1w.nii.gz"
    assert subject.images["T2"].name == "sub-01_ses-a_run-2_T2w.nii.gz"


def test_derivatives_of_a_participant_are_of_the_only_session(tmp_path):
    touch(tmp_path, "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz")
    touch(tmp_path, "derivatives/prep/sub-01/anat/sub-01_desc-aseg_dseg.nii.gz")
    touch(tmp_path, "sub-02/ses-a/anat/sub-02_ses-a_T1w.nii.gz", "sub-02/ses-b/anat/sub-02_ses-b_T1w.nii.gz")
    touch(tmp_path, "derivatives/fastsurfer-2.4/sub-02_ses-b/mri/aparc.DKTatlas+aseg.mgz")
    touch(tmp_path, "derivatives/freesurfer/sub-02/mri/aseg.mgz")
    labels = {subject.name: subject.labels and subject.labels.name for subject in find_subjects(tmp_path)}
    assert labels == {
        "sub-01_ses-a": "sub-01_desc-aseg_dseg.nii.gz",
        "sub-02_ses-a": None,
        "sub-02_ses-b": "aparc.DKTatlas+aseg.mgz",
    }


def test_a_derivative_by_itself_is_a_source(tmp_path):
    stem = "sub-01/anat/sub-01"
    touch(tmp_path, f"{stem}_desc-preproc_T1w.nii.gz", f"{stem}_desc-brain_T1w.nii.gz", f"{stem}_dseg.nii.gz")
    touch(tmp_path, f"{stem}_desc-aseg_dseg.nii.gz", f"{stem}_space-MNI152NLin6Asym_desc-preproc_T1w.nii.gz")
    touch(tmp_path, "sub-02/ses-a/mri/aseg.mgz", "sub-02/ses-a/mri/T1.mgz")
    first, second = find_subjects(tmp_path)
    assert first.labels.name == "sub-01_desc-aseg_dseg.nii.gz"
    assert first.images["T1"].name == "sub-01_desc-preproc_T1w.nii.gz"
    assert (second.name, second.labels.name, second.images["T1"].name) == ("sub-02_ses-a", "aseg.mgz", "T1.mgz")


def test_bids_with_derivatives(tmp_path):
    touch(tmp_path, "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz", "sub-01/ses-a/anat/sub-01_ses-a_run-1_T2w.nii.gz")
    touch(tmp_path, "sub-01/ses-b/anat/sub-01_ses-b_FLAIR.nii.gz", "sub-02/anat/sub-02_T1w.nii.gz")
    derived = "derivatives/prep/sub-01/ses-a/anat/sub-01_ses-a"
    touch(tmp_path, f"{derived}_dseg.nii.gz", f"{derived}_desc-aseg_dseg.nii.gz")
    touch(tmp_path, f"{derived}_space-MNI152NLin6Asym_desc-aparcaseg_dseg.nii.gz")
    touch(tmp_path, "derivatives/freesurfer/sub-02/mri/aseg.mgz")
    a, b, second = find_subjects(tmp_path)
    assert [s.name for s in (a, b, second)] == ["sub-01_ses-a", "sub-01_ses-b", "sub-02"]
    assert a.person == b.person == "sub-01" and set(a.images) == {"T1", "T2"} and set(b.images) == {"FLAIR"}
    assert a.labels.name.endswith("_desc-aseg_dseg.nii.gz") and b.labels is None
    assert second.labels.name == "aseg.mgz"


def test_the_authors_flat_folder(tmp_path):
    names = ["T1w", "CT", "brainseg_with_extracerebral", "generation_labels", "mni_reg.x", "mni_reg.y", "mni_reg.z"]
    names += [f"{name}_dist_map" for name in ("lp", "lw", "rp", "rw")]
    touch(tmp_path, *(f"HCP.100206.{name}.nii" for name in names), "AIBL.7.FLAIR.nii.gz")
    (tmp_path / "train.txt").write_text("/data/HCP.100206.T1w.nii\n")
    (tmp_path / "test.txt").write_text("C:\\data\\AIBL.7.T1w.nii\n")
    second, first = find_subjects(tmp_path)
    assert recognise_layout(tmp_path) == "brainfm"
    assert (first.name, first.collection, first.part) == ("HCP.100206", "HCP", "train")
    assert first.labels.name.endswith("brainseg_with_extracerebral.nii") and set(first.images) == {"T1", "CT"}
    assert [path.name[-5] for path in first.coordinates] == ["x", "y", "z"] and len(first.distances) == 4
    assert (second.labels, second.part) == (None, "test")


def test_the_authors_folders(tmp_path):
    touch(
        tmp_path, "T1/x.nii", "FLAIR/x.nii", "label_maps_generation/x.nii", "label_maps_segmentation/x.nii", "T1/y.nii"
    )
    x, y = find_subjects(tmp_path)
    assert x.labels.parent.name == "label_maps_segmentation" and set(x.images) == {"T1", "FLAIR"}
    assert y.labels is None and set(y.images) == {"T1"}


def test_a_table(tmp_path):
    table = tmp_path / "list.csv"
    table.write_text(
        "name,collection,labels,t1,coordinates,split\n"
        "kopf 1,OPEN,l/1.nii,i/1.nii,reg/affine.txt;reg/field.nii,test\nm,,l/m.nii,,atlas-space,\n"
    )
    first, template = find_subjects(table)
    assert (first.name, first.collection, first.part) == ("kopf-1", "OPEN", "test")
    assert first.labels == tmp_path / "l/1.nii" and len(first.coordinates) == 2
    assert template.in_atlas_space and not template.coordinates and template.collection == "list"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nmae,t1\na,b\n", "nmae"),
        ("t1\nb\n", "no column"),
        ("name,split\na,tset\n", "tset"),
        ("name\n \n", "without a name"),
    ],
)
def test_wrong_tables_are_explained(tmp_path, text, says):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(UsageError, match=says):
        find_subjects(tmp_path / "list.csv")


def test_wrong_sources_are_explained(tmp_path):
    with pytest.raises(FileAccessError, match="no such"):
        find_subjects(tmp_path / "missing")
    with pytest.raises(UsageError, match="no subject"):
        find_subjects(tmp_path)
    with pytest.raises(UsageError, match="freesurfer"):
        find_subjects(tmp_path, "freesurfr")
    touch(tmp_path, "a.nii", "a.nii.gz", "A.mgz")
    with pytest.raises(UsageError, match="several"):
        find_subjects(tmp_path)


def test_names_become_file_names(tmp_path):
    from BrainFMEngine.dataset.source_subject import safe_name

    assert safe_name("köpfe/1 a") == "k-pfe-1-a" and safe_name("CON") == "subject-CON"
    assert np.all([safe_name(name) for name in ("a.b", "x_y-z")] == ["a.b", "x_y-z"])
