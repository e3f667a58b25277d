"""`brainfm prepare`: datasets, checks, splits, and mistakes that end as sentences."""

from __future__ import annotations

import json
import sys

import pytest

pytest.importorskip("torch")
from small_heads import head_labels, save, scan_of, write_label_maps


@pytest.fixture
def prepare(brainfm):
    """Function that runs `brainfm prepare` without registration, with JSON lines."""

    def call(*arguments):
        return brainfm("prepare", "--progress", "json", "--no-atlas", *arguments)

    return call


def test_preparing_checking_and_going_on(prepare, tmp_path):
    source, folder = write_label_maps(tmp_path / "köpfe"), tmp_path / "satz ü"
    outcome = prepare(source, "-o", folder, "--split", "34/33/33")
    assert outcome.code == 0, outcome.err
    assert [entry["kind"] for entry in outcome.of("output")] == ["dataset", "split"]
    done = outcome.of("done")[0]
    assert {result["input"]: result["state"] for result in done["results"]} == dict.fromkeys(
        ("head_00", "head_01", "head_02"), "prepared"
    )
    totals = [entry["total"] for entry in outcome.of("progress") if entry["input"].startswith("head")]
    assert totals == sorted(totals)
    again = prepare(source, "-o", folder)
    assert {result["state"] for result in again.of("done")[0]["results"]} == {"kept"}
    check = prepare(folder, "--check")
    assert check.code == 0 and check.of("warning") and not check.of("error")


def test_a_failing_subject_sets_the_code_and_a_check_excludes(prepare, tmp_path):
    source, folder = write_label_maps(tmp_path / "labels", 4), tmp_path / "set"
    (source / "broken.nii.gz").write_bytes(b"x")
    outcome = prepare(source, "-o", folder)
    assert outcome.code == 2 and outcome.of("error")[0]["input"] == "broken"
    assert json.loads((folder / "failed.json").read_text())["broken"]
    assert len(json.loads((folder / "split.json").read_text())["train"]) == 2
    name = json.loads((folder / "split.json").read_text())["train"][0]
    (folder / "subjects" / f"{name}.npz").write_bytes(b"x")
    check = prepare(folder, "--check")
    assert check.code == 2 and name in check.of("error")[0]["message"]
    assert prepare(folder, "--check", "--exclude").code == 0
    assert json.loads((folder / "split.json").read_text())["excluded"] == [name]


def test_a_source_is_listed_without_writing_anything(prepare, tmp_path):
    source = tmp_path / "köpfe 1"
    write_label_maps(source / "labels")
    save(source / "T1w" / "head_01.nii.gz", scan_of(head_labels(1)))
    outcome = prepare(source, "--list")
    assert outcome.code == 0, outcome.err
    (told,) = outcome.of("source")
    assert (told["layout"], told["subjects"], told["labels"]) == ("labels", 3, 3) and told["contrasts"] == {"T1": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["köpfe 1"]
    assert "no subject" in prepare(source, "--list", "--layout", "bids").of("error")[0]["message"]
    assert prepare(tmp_path / "missing", "--list").code == 3


def test_a_check_tells_memory_and_disk_that_training_needs(prepare, tmp_path):
    source, folder = write_label_maps(tmp_path / "labels"), tmp_path / "set"
    prepare(source, "-o", folder)
    (needs,) = prepare(folder, "--check").of("needs")
    assert 0 < needs["subjects"] < needs["memory_free"] and 0 < needs["dataset"] < needs["disk_free"]
    steps = {preset["preset"]: preset["step_bytes"] for preset in needs["presets"]}
    assert set(steps) == {"compact", "paper"} and 1e8 < steps["compact"] < steps["paper"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_full_disk_is_a_sentence_and_what_is_complete_stays(prepare, tmp_path):
    """A limit on the size of files stands in for a disk without room for the arrays."""
    import resource

    source, folder = write_label_maps(tmp_path / "köpfe", 2), tmp_path / "satz ü"
    assert prepare(source, "-o", folder).code == 0
    split = (folder / "split.json").read_bytes()
    write_label_maps(source, 3)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, before[1]))
    try:
        outcome = prepare(source, "-o", folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert outcome.code == 3 and "cannot write" in outcome.of("error")[0]["message"]
    assert "free disk space" in outcome.of("error")[0]["hint"]
    assert (folder / "split.json").read_bytes() == split
    names = sorted(path.name for path in (folder / "subjects").iterdir())
    assert names == ["head_00.json", "head_00.npz", "head_01.json", "head_01.npz"]
    again = prepare(source, "-o", folder).of("done")[0]["results"]
    assert [result["state"] for result in again] == ["kept", "kept", "prepared"]


def test_collections_can_be_held_out(prepare, tmp_path):
    labels = write_label_maps(tmp_path, 4)
    table = "name,collection,labels\n" + "".join(
        f"s{i},{'AIBL' if i < 2 else 'HCP'},{labels / f'head_{i:02d}.nii.gz'}\n" for i in range(4)
    )
    (tmp_path / "list.csv").write_text(table, encoding="utf-8")
    outcome = prepare(tmp_path / "list.csv", "-o", tmp_path / "set", "--split", "setup-3")
    assert outcome.code == 0, outcome.err
    split = json.loads((tmp_path / "set" / "split.json").read_text())
    assert (split["train"], split["test"]) == (["s2", "s3"], ["s0", "s1"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "no place"),
        (("-o", "X", "--split", "80/30"), "no split"),
        (("-o", "X", "--split", "80/10/20"), "sum to 100"),
        (("-o", "X", "--split", "setup-9"), "no split"),
        (("-o", "X", "--protocol", "nope"), "protocol"),
        (("-o", "X", "--layout", "freesurfer"), "no subject"),
        (("-o", "X", "--held-out", "HCP"), "no subject comes from"),
    ],
)
def test_wrong_options_are_explained(prepare, tmp_path, options, says):
    source = write_label_maps(tmp_path / "labels", 1)
    options = [tmp_path / "set" if word == "X" else word for word in options]
    outcome = prepare(source, *options)
    assert outcome.code == 2 and says in outcome.of("error")[0]["message"]


def test_places_that_cannot_be_are_explained(prepare, tmp_path):
    source = write_label_maps(tmp_path / "labels", 1)
    assert "own source" in prepare(source, "-o", source).of("error")[0]["message"]
    file = save(tmp_path / "file.nii", __import__("numpy").zeros((4, 4, 4), "int16"))
    assert "is a file" in prepare(source, "-o", file).of("error")[0]["message"]
    assert prepare(tmp_path / "missing", "-o", tmp_path / "set").code == 3
    assert prepare(source, "--check").code == 3
