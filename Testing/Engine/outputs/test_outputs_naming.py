from __future__ import annotations

import pytest
from BrainFMEngine.outputs import stem_of, stems_of


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.nii.gz", "a"),
        ("A.NII", "A"),
        ("sub-01_T1w.mgz", "sub-01_T1w"),
        ("höhe 2.nrrd", "höhe 2"),
        ("x.y.z.mha", "x.y.z"),
        ("-o.nii", "-o"),
        ("plain", "plain"),
        (".nii.gz", "scan"),
        ("...nii", "scan"),
        ("con.nii", "scan-con"),
    ],
)
def test_stem_is_the_name_without_the_image_ending(name: str, stem: str) -> None:
    assert stem_of(f"/data/{name}") == stem


def test_long_names_stay_different_and_fit() -> None:
    one, other = stem_of("ü" * 120 + "a.nii"), stem_of("ü" * 120 + "b.nii")
    assert one != other
    assert len(f"{one}_atlas_coordinates.nii.gz".encode()) < 255


def test_same_names_in_one_batch_are_told_apart_by_folder_then_number() -> None:
    stems = stems_of(["s1/T1.nii", "s2/T1.nii.gz", "s2/t1.nii", "s3/other.nii"])
    assert stems == ["s1-T1", "s2-T1", "s2-t1-2", "other"]


def test_a_number_never_takes_the_name_of_another_input() -> None:
    stems = stems_of(["d/a.nii", "d/a.mgz", "d/d-a-2.nii"])
    assert len({stem.casefold() for stem in stems}) == 3
    assert stems[2] == "d-a-2"
