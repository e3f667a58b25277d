"""`brainfm preview`: a worker that answers requests for samples, and that no request can end."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from small_heads import head_labels, save, scan_of

pytest.importorskip("torch")

from preview_worker import LAST, PreviewWorker

SMALL = {"shape": 32, "seed": 3}


@pytest.fixture(scope="module")
def worker():
    started = PreviewWorker()
    yield started
    started.kill()


@pytest.fixture
def head(tmp_path) -> dict[str, str]:
    """A request for small samples of a small head."""
    labels = save(tmp_path / "köpfe" / "kopf 1.nii.gz", head_labels())
    return {"anatomy": str(labels), "folder": str(tmp_path / "proben ü"), **SMALL}


def voxels(path: str) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


def test_samples_from_mild_to_severe_with_what_was_drawn(worker, head):
    assert worker.ready["event"] == "ready" and worker.ready["protocol"] == 1 and worker.ready["device"] == "cpu"
    events = worker.ask(**head, targets=["segmentation", "clean", "deformation_grid", "visible", "image"])
    samples = [event for event in events if event["event"] == "sample"]
    assert [sample["index"] for sample in samples] == [0, 1, 2, 3]
    severities = [sample["severity"] for sample in samples]
    assert severities == sorted(severities) and severities[0] == pytest.approx(1 / 3) and severities[-1] == 1
    for sample in samples:
        assert voxels(sample["files"]["image"]).shape == (32, 32, 32)
        assert all(path.endswith(".nii") for path in sample["files"].values())
        drawn = {value["path"]: value for value in sample["parameters"]}
        assert (
            drawn["corruption.noise.std"]["unit"] == "0–255" and "°" in drawn["deformation.affine.rotation_deg"]["text"]
        )
        assert "noise" in sample["summary"]
    assert len({sample["files"]["segmentation"] for sample in samples}) == 1
    assert len({sample["files"]["clean"] for sample in samples}) == 4
    assert {0, 2, 41} <= set(np.unique(voxels(samples[0]["files"]["segmentation"])))
    assert set(np.unique(voxels(samples[0]["files"]["deformation_grid"]))) == {1, 2}
    affines = [nib.load(path).affine for path in samples[0]["files"].values()]
    assert all(np.allclose(affine, affines[0]) for affine in affines)
    done = events[-1]
    assert done["samples"] == 4 and "image" in done["missing"] and "segmentation" not in done["missing"]
    assert set(done["stages"]) == {"anatomy", "deformation", "samples", "files"}
    assert not list(Path(head["folder"]).glob(".*")), "nothing half-written is left"


def test_the_same_seed_gives_the_same_picture_whatever_was_shown_before(worker, head):
    first = [voxels(sample["files"]["image"]) for sample in worker.samples(**head)]
    other = [voxels(sample["files"]["image"]) for sample in worker.samples(**{**head, "seed": 4})]
    worker.samples(**{**head, "severity": "mild", "samples": 2})
    again = [voxels(sample["files"]["image"]) for sample in worker.samples(**head)]
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_targets_do_not_change_the_picture(worker, head):
    plain = worker.samples(**head)
    image = voxels(plain[2]["files"]["image"])
    for targets in (["distance"], ["T1", "CT", "bias_field_log"], ["segmentation", "high_res_residual"]):
        sample = worker.samples(**head, targets=targets)[2]
        assert np.array_equal(voxels(sample["files"]["image"]), image)
    distance = voxels(worker.samples(**head, targets=["distance"])[0]["files"]["distance"])
    assert distance.shape[-1] == 4 and np.abs(distance).max() == 3


def test_severities_contrasts_ranges_and_crops(worker, head):
    listed = worker.samples(**head, severities=["mild", 0.9], contrast="flair")
    assert [sample["severity"] for sample in listed] == pytest.approx([1 / 3, 0.9])
    assert all(sample["summary"].startswith("FLAIR-like;") for sample in listed)
    assert {sample["severity"] for sample in worker.samples(**head, severity="moderate", samples=2)} == {0.666667}
    noisy = worker.samples(**head, options={"corruption.noise.std": [40, 40], "deformation.flip_probability": 0})
    drawn = [{value["path"]: value["value"] for value in sample["parameters"]} for sample in noisy]
    assert all(values["corruption.noise.std"] == 40 and values["deformation.flip"] is False for values in drawn)
    whole = worker.samples(**{**head, "shape": "full"})
    assert whole[0]["shape"] == [40, 44, 42]
    still = {"deformation.affine.shift_mm": [0, 0, 0]}
    moved = worker.samples(**head, centre=[5.0, -4.0, 3.0], options=still)[0]
    where = nib.load(moved["files"]["image"]).affine @ [15.5, 15.5, 15.5, 1]
    assert np.allclose(where[:3], [5, -4, 3])


def test_scans_are_mixed_in_and_are_targets(worker, head, tmp_path):
    scan = save(tmp_path / "t1.nii.gz", scan_of(head_labels()))
    request = {**head, "images": {"T1": str(scan)}, "targets": ["T1", "image", "T2"]}
    events = worker.ask(**request, options={"real_input_probability": 1.0})
    samples = [event for event in events if event["event"] == "sample"]
    assert samples[0]["summary"].startswith("real T1;")
    assert set(samples[0]["files"]) == {"image", "T1", "guide"} and events[-1]["missing"] == ["T2"]


@pytest.mark.parametrize(
    ("change", "says", "hint"),
    [
        ({"anatomi": "x"}, "unknown key 'anatomi'", "'anatomy'"),
        ({"options": {"contrast.meen": [1, 2]}}, "contrast.meen", "'mean'"),
        ({"options": {"corruption.nois.std": [1, 2]}}, "corruption.nois", "'noise'"),
        ({"options": {"corruption.noise.std": [5, 1]}}, "noise std", "lower first"),
        ({"options": {"extracerebral.keep_probability": 1}}, "add up to", "1"),
        ({"contrast": "t7"}, "no contrast 't7'", "Known: mixed"),
        ({"targets": ["segmentatio"]}, "no target 'segmentatio'", "'segmentation'"),
        ({"severity": "awful"}, "'awful' is no severity", "mild"),
        ({"severities": [0.1], "samples": 3}, "1 severities for 3", "one each"),
        ({"samples": 0}, "0 samples", "1 to 64"),
        ({"shape": 5000}, "5000", "512"),
        ({"shape": "half"}, "'half' is no shape", "'full'"),
        ({"seed": -1}, "'seed' is -1", "0"),
        ({"step": -1}, "'step' is -1", "0"),
        ({"recipe": "brainfn"}, "no recipe 'brainfn'", "'brainfm'"),
        ({"folder": None}, "no folder", "folder"),
        ({"anatomy": "nowhere.nii.gz"}, "cannot read nowhere.nii.gz", "path"),
        ({"subject": {"dataset": "nowhere"}}, "does not go with", "Leave one"),
        ({"subject": {"dataset": "nowhere"}, "anatomy": None}, "is no dataset", "path"),
        ({"images": {"PET": "x.nii"}}, "no contrast 'PET'", "T1"),
    ],
)
def test_a_bad_request_is_explained_and_the_worker_goes_on(worker, head, change, says, hint):
    request = {**head, **change}
    events = worker.ask(**{key: value for key, value in request.items() if value is not None})
    assert [event["event"] for event in events if event["event"] in LAST] == ["error"]
    assert says in events[-1]["message"] and hint in events[-1]["hint"] and events[-1]["code"] in (2, 3)
    assert worker.process.poll() is None


@pytest.mark.parametrize(
    "line", ["{", "[1]", '"text"', '{"request": {}}', "\x00\x01", "[" * 20_000, '{"request": 1, "seed": NaN}']
)
def test_a_line_that_is_no_request_is_explained(worker, head, line):
    worker.write(line)
    event = worker.lines.get(timeout=60)
    assert event["event"] == "error" and event["message"] and event["code"] == 2
    assert worker.samples(**head, samples=1)


def test_files_that_are_broken_or_gone(worker, head, tmp_path):
    labels = Path(head["anatomy"])
    whole = labels.read_bytes()
    assert worker.samples(**head, samples=1)
    labels.write_bytes(whole[: len(whole) // 2])
    assert worker.ask(**head)[-1]["event"] == "error"
    labels.write_bytes(b"no image at all")
    assert worker.ask(**head)[-1]["event"] == "error"
    save(labels, np.where(head_labels() == 24, 4711, head_labels()).astype(np.int16))
    error = worker.ask(**head)[-1]
    assert "4711" in error["message"] and error["hint"]
    table = tmp_path / "map.csv"
    table.write_text("id,known_id\n4711,24\n", encoding="utf-8")
    assert worker.samples(**head, map_labels=str(table), samples=1)
    gone = {**head, "map_labels": str(table), "folder": str(tmp_path / "gone" / "too")}
    error = worker.ask(**gone)[-1]
    assert error["event"] == "error" and error["code"] == 3 and "exists" in error["hint"]


def test_the_last_of_many_requests_wins(worker, head):
    numbers = [worker.send(**{**head, "seed": seed}) for seed in range(12)]
    events = worker.events(numbers[-1])
    ends = {
        number: [e["event"] for e in events if e.get("request") == number and e["event"] in LAST] for number in numbers
    }
    assert ends[numbers[-1]] == ["done"]
    assert all(len(names) == 1 for names in ends.values())
    assert sum(names == ["cancelled"] for names in ends.values()) >= 9
    shown = [event for event in events if event["event"] == "sample" and event["request"] == numbers[-1]]
    assert len(shown) == 4 and {event["seed"] for event in shown} == {11}


def test_a_request_can_be_taken_back(worker, head):
    numbers = [worker.send(**{**head, "shape": 96, "samples": 64}), worker.send(**{**head, "export": "never"})]
    worker.write(json.dumps({"cancel": numbers[1]}))
    worker.write(json.dumps({"cancel": numbers[0]}))
    events = worker.events(numbers[0])
    ends = {event["request"]: event["event"] for event in events if event["event"] in LAST}
    assert ends == dict.fromkeys(numbers, "cancelled")
    assert not Path("never").exists()
