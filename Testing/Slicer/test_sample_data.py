"""The sample head is offered in Slicer's Sample Data, with the checksum of the file in the repository."""

from __future__ import annotations

import hashlib
import sys
import types
from pathlib import Path

import pytest
import slicer
from BrainFMLib.SampleData import CATEGORY, SAMPLE_NAME, SHA256, URL, registerSampleData

ROOT = Path(__file__).resolve().parents[2]
RAW = "https://raw.githubusercontent.com/SlicerBrainFM/SlicerBrainFM/main/"

KEYWORDS = {
    "sampleName",
    "uris",
    "fileNames",
    "nodeNames",
    "customDownloader",
    "thumbnailFileName",
    "loadFileType",
    "loadFiles",
    "loadFileProperties",
    "checksums",
}
"""What registerCustomSampleDataSource takes beside the category, in every Slicer since 5.0."""


@pytest.fixture
def sources(slicer_app, monkeypatch) -> dict[str, list]:
    """What is registered, by category; SampleData is a stand-in that keeps sources as the real one does."""
    registered: dict[str, list] = {}

    class SampleDataLogic:
        @staticmethod
        def registerCustomSampleDataSource(category="Custom", **values):
            assert values.keys() <= KEYWORDS
            registered.setdefault(category, []).append(types.SimpleNamespace(**values))

    module = types.ModuleType("SampleData")
    module.SampleDataLogic = SampleDataLogic
    monkeypatch.setitem(sys.modules, "SampleData", module)
    monkeypatch.setattr(slicer.modules, "sampleDataSources", registered, raising=False)
    return registered


def test_head_is_offered_with_picture_and_checksum(sources):
    registerSampleData()
    (source,) = sources[CATEGORY]
    assert source.sampleName == source.nodeNames == SAMPLE_NAME
    assert source.uris == URL and source.fileNames.endswith(".nii.gz")
    assert source.checksums == f"SHA256:{SHA256}"
    assert Path(source.thumbnailFileName).read_bytes().startswith(b"\x89PNG")


def test_second_call_changes_nothing(sources):
    registerSampleData()
    registerSampleData()
    assert len(sources[CATEGORY]) == 1


def test_checksum_is_that_of_the_file_in_the_repository():
    path = ROOT / URL.removeprefix(RAW)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
    assert SHA256 in (path.parent / "README.md").read_text(encoding="utf-8")
