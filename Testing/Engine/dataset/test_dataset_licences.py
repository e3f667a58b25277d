"""Licences of the data: noted when they are told, by the user or by the source, and kept for each collection."""

from __future__ import annotations

import json

import pytest
from boxes import box_subject, write_dataset
from BrainFMEngine.dataset.dataset import Dataset
from BrainFMEngine.dataset.licences import licence_of_source, record_licence


def test_every_collection_keeps_its_own(tmp_path):
    folder = write_dataset(tmp_path / "heads", train=[box_subject()])
    assert Dataset(folder).header.licences == {}
    record_licence(folder, ["IXI", "OASIS"], "CC BY-SA 3.0")
    record_licence(folder, ["OASIS"], "own terms")
    record_licence(folder, ["OASIS"], "")
    assert Dataset(folder).header.licences == {"IXI": "CC BY-SA 3.0", "OASIS": "own terms"}
    assert Dataset(folder).names() == ["boxes"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"License": " CC0 "}', "CC0"),
        ('{"Name": "x"}', ""),
        ('{"License": 3}', ""),
        ("[]", ""),
        ("no", ""),
        (None, ""),
    ],
)
def test_a_bids_folder_may_state_one(tmp_path, content, said):
    if content is not None:
        (tmp_path / "dataset_description.json").write_text(content)
    assert licence_of_source(tmp_path) == said


def test_a_data_set_from_before_has_none(tmp_path):
    folder = write_dataset(tmp_path / "heads", train=[box_subject()])
    record = json.loads((folder / "dataset.json").read_text())
    del record["licences"]
    (folder / "dataset.json").write_text(json.dumps(record))
    assert Dataset(folder).header.licences == {}
