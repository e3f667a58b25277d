"""`brainfm predict --estimate`: one JSON line from headers alone."""

from __future__ import annotations

import json

import pytest

HEADER = """NRRD0004
type: short
dimension: 3
space: left-posterior-superior
sizes: 256 256 180
space directions: (1,0,0) (0,1,0) (0,0,1)
kinds: domain domain domain
endian: little
encoding: raw
space origin: (-128,-128,-90)

"""


@pytest.fixture
def estimate(brainfm, model_folder):
    def call(*arguments):
        return brainfm("predict", "--estimate", "--model", model_folder, "--device", "cpu", *arguments)

    return call


@pytest.fixture
def header_alone(tmp_path):
    """A file that promises 23 MB of voxels and holds none."""
    path = tmp_path / "header.nrrd"
    path.write_text(HEADER, encoding="ascii", newline="\n")
    return path


def test_one_line(estimate, header_alone, tmp_path):
    outcome = estimate(header_alone)
    assert outcome.code == 0, outcome.err
    (event,) = outcome.events
    assert event["event"] == "estimate" and event["device"] == "cpu"
    assert event["memory_bytes"] > 100e6 and event["free_bytes"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["header.nrrd"], "nothing is written"


def test_same_line_whatever_the_kind_of_progress(estimate, header_alone):
    kinds = [json.loads(estimate(header_alone, "--progress", kind).out).keys() for kind in ("json", "rich", "none")]
    assert kinds[0] == kinds[1] == kinds[2] == {"event", "memory_bytes", "free_bytes", "device", "plan", "fits"}


def test_scan_that_needs_most_counts(estimate, header_alone, make_scan):
    small = json.loads(estimate(make_scan()).out)["memory_bytes"]
    large = json.loads(estimate(header_alone).out)["memory_bytes"]
    both = json.loads(estimate(make_scan(), header_alone).out)["memory_bytes"]
    assert small < large == both


def test_windows_are_told(estimate, header_alone):
    assert estimate(header_alone).events[0]["plan"] == "whole"
    assert estimate(header_alone, "--window", 64).events[0]["plan"] == "windows"


def test_too_little_memory_is_told(estimate, header_alone, monkeypatch):
    monkeypatch.setattr("BrainFMEngine.inference.strategy.host_available_bytes", lambda: 1000)
    (event,) = estimate(header_alone).events
    assert not event["fits"] and event["free_bytes"] == 1000


def test_tasks_count(estimate, header_alone):
    every = estimate(header_alone).events[0]["memory_bytes"]
    assert estimate(header_alone, "--tasks", "t1").events[0]["memory_bytes"] < every


@pytest.mark.parametrize(
    ("arguments", "code"), [(("missing.nii",), 3), (("--tasks", "teeth"), 2), (("--device", "abacus"), 2)]
)
def test_what_would_be_refused_is_refused(estimate, header_alone, arguments, code):
    inputs = () if arguments[0] == "missing.nii" else (header_alone,)
    outcome = estimate(*inputs, *arguments, "--progress", "json")
    assert outcome.code == code and outcome.of("error")[0]["message"] and "Traceback" not in outcome.err


def test_results_need_a_folder_without_it(brainfm, header_alone):
    outcome = brainfm("predict", header_alone)
    assert outcome.code == 2 and "-o DIR" in outcome.err
