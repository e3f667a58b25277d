from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from BrainFMEngine.anatomy.atlas import ATLAS_SPACE
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.inference.prediction import Prediction
from BrainFMEngine.outputs import OutputOptions, write_results
from BrainFMEngine.progress import SilentProgress
from PIL import Image

IMAGES = "T1w T2w FLAIR CT dseg lp lw rp rw biasfield corrected atlas_coordinates atlas".split()


@pytest.fixture(scope="module")
def files(phantom: Prediction, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_results(phantom, tmp_path_factory.mktemp("out"), "häd 1")


def test_every_file_is_there_under_its_name(files: dict[str, Path]) -> None:
    folder = files["report"].parent
    assert folder.name == "häd 1" and list(files)[-1] == "report"
    assert {path.name for path in folder.iterdir()} == {path.name for path in files.values()}
    endings = {path.name.removeprefix("häd 1_") for path in files.values()}
    others = {"atlas_warp.nii.gz", "atlas_affine.tfm", "dseg.tsv", "volumes.csv", "qc.json", "overview.png"}
    assert endings == {f"{name}.nii.gz" for name in IMAGES} | others | {"report.json"}
    assert [path.name for path in folder.parent.iterdir()] == ["häd 1"]


@pytest.mark.parametrize("kind", IMAGES)
def test_images_lie_on_the_scan_for_nibabel_and_itk(phantom: Prediction, files: dict[str, Path], kind: str) -> None:
    image = nib.load(files[kind])
    assert image.shape[:3] == phantom.grid.shape
    np.testing.assert_allclose(image.affine, phantom.grid.affine_ras, atol=1e-4)
    assert b"research use only" in image.header["descrip"].item()
    scan = sitk.ReadImage(str(phantom.conformed.native.source))
    itk = sitk.ReadImage(str(files[kind]))
    np.testing.assert_allclose(itk.GetOrigin()[:3], scan.GetOrigin(), atol=1e-3)


def test_values_and_types(phantom: Prediction, files: dict[str, Path]) -> None:
    read = {kind: nib.load(files[kind]) for kind in IMAGES}
    assert read["CT"].get_data_dtype() == read["dseg"].get_data_dtype() == np.int16
    assert np.asarray(read["CT"].dataobj).min() == -1001
    assert np.array_equal(np.asarray(read["dseg"].dataobj), phantom.labels)
    np.testing.assert_array_equal(np.asarray(read["rw"].dataobj), phantom.maps["rw"])
    np.testing.assert_allclose(np.asarray(read["corrected"].dataobj), 700 * phantom.maps["T1w"], rtol=1e-4)


def test_label_table_is_bids(files: dict[str, Path]) -> None:
    with files["dseg_table"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 56
    assert rows[20] == {"index": "2", "name": "Left-Cerebral-White-Matter", "color": "#f5f5f5"}


def test_volumes_add_up_to_the_intracranial_total(phantom: Prediction, files: dict[str, Path]) -> None:
    with files["volumes"].open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    expected = float(phantom.brain_mask.sum() * phantom.grid.voxel_mm3)
    assert float(rows["Intracranial-Total"]["hard_mm3"]) == pytest.approx(expected, abs=1)
    assert float(rows["Intracranial-Total"]["soft_mm3"]) == pytest.approx(expected, abs=1)
    assert rows["Skin"]["id"] == "911" and rows["Left-Cerebral-Cortex"]["confidence"] == "0.9000"
    assert rows["Lesion"]["hard_mm3"] == "0.0" and rows["Lesion"]["confidence"] == ""


def test_report_tells_where_results_come_from(phantom: Prediction, files: dict[str, Path]) -> None:
    report = json.loads(files["report"].read_text(encoding="utf-8"))
    assert report["model"] == {"name": "phantom", "title": "", "sha256": "ab" * 32}
    assert report["input"]["name"] == "häd 1.nii.gz"
    assert report["input"]["sha256"] == file_sha256(phantom.conformed.native.source)
    assert report["input"]["grid"]["shape"] == list(phantom.grid.shape)
    assert report["seconds"] == {"network": 1.25} and report["device"] == "cpu"
    assert report["warnings"][0] == "a doubt of the reader"
    assert report["verdict"] == "pass" and "Research use only" in report["statement"]
    assert report["outputs"] == {kind: path.name for kind, path in files.items()}


def test_overview_is_a_picture(files: dict[str, Path]) -> None:
    with Image.open(files["overview"]) as picture:
        assert picture.format == "PNG" and picture.width >= 1500 and picture.height >= 800
        assert np.asarray(picture.convert("L")).std() > 20


def test_same_prediction_same_bytes(phantom: Prediction, files: dict[str, Path], tmp_path: Path) -> None:
    again = write_results(phantom, tmp_path, "häd 1")
    for kind in set(files) - {"report"}:
        assert again[kind].read_bytes() == files[kind].read_bytes(), kind


@pytest.mark.parametrize(
    ("task", "maps", "expected"),
    [
        ("t1", ["T1w"], {"T1w"}),
        ("bias", ["biasfield"], {"biasfield", "corrected"}),
        ("distance", ["lp", "lw"], {"lp", "lw"}),
        ("seg", [], {"dseg", "dseg_table", "volumes"}),
        ("registration", ["atlas_coordinates"], {"atlas_coordinates", "atlas", "atlas_affine", "atlas_warp"}),
    ],
)
def test_only_what_was_asked_for_is_written(
    phantom: Prediction, tmp_path: Path, task: str, maps: list[str], expected: set[str]
) -> None:
    one = replace(phantom, maps={name: phantom.maps[name] for name in maps}, options={"tasks": [task]})
    assert set(write_results(one, tmp_path, "a")) == expected | {"overview", "qc", "report"}


def test_a_model_without_anatomy(phantom: Prediction, tmp_path: Path) -> None:
    bare = replace(phantom, labels=None, protocol=None, brain_mask=None, soft_volumes_mm3={}, confidence={})
    files = write_results(bare, tmp_path, "a")
    assert "dseg" not in files and "atlas_warp" in files
    assert json.loads(files["qc"].read_text(encoding="utf-8"))["verdict"] == "check"


def test_probabilities_and_features_on_request(phantom: Prediction, tmp_path: Path) -> None:
    shape = phantom.grid.shape
    probabilities = np.zeros((56, *shape), dtype=np.float16)
    probabilities[3] = 0.25
    features = np.ones((4, *shape), dtype=np.float16)
    rich = replace(phantom, maps={}, probabilities=probabilities, features=features, options={"tasks": ["seg"]})
    files = write_results(rich, tmp_path, "a", OutputOptions(posteriors=True, features=True))
    probseg = nib.load(files["probseg"])
    assert probseg.shape == (*shape, 56)
    assert np.asarray(probseg.dataobj[..., 3]).max() == pytest.approx(0.25, abs=0.003)
    assert nib.load(files["features"]).shape == (*shape, 4)


def test_images_without_compression(small: Prediction, tmp_path: Path) -> None:
    packed = write_results(small, tmp_path, "a")["T1w"]
    plain = write_results(small, tmp_path, "a", OutputOptions(overwrite=True, uncompressed=True))
    assert plain["T1w"].name == "a_T1w.nii" and not packed.exists()
    assert np.array_equal(nib.load(plain["T1w"]).get_fdata(), small.maps["T1w"])
    report = json.loads(plain["report"].read_text(encoding="utf-8"))
    assert report["outputs"]["T1w"] == "a_T1w.nii" and report["options"]["uncompressed"] is True
    write_results(small, tmp_path, "a", OutputOptions(overwrite=True))
    assert packed.exists() and not plain["T1w"].exists()


def test_a_vanished_input_is_said_in_the_report(small: Prediction, tmp_path: Path) -> None:
    native = replace(small.conformed.native, source=tmp_path / "gone.nii")
    gone = replace(small, conformed=replace(small.conformed, native=native))
    report = json.loads(write_results(gone, tmp_path / "out", "a")["report"].read_text(encoding="utf-8"))
    assert report["input"]["sha256"] is None
    assert any("gone" in warning for warning in report["warnings"])


def test_doubts_reach_the_progress(phantom: Prediction, tmp_path: Path) -> None:
    progress = SilentProgress()
    shrunk = replace(phantom, maps={}, soft_volumes_mm3={key: v / 9 for key, v in phantom.soft_volumes_mm3.items()})
    write_results(shrunk, tmp_path, "a", progress=progress)
    assert any("not a plausible brain" in warning for warning in progress.warnings)


def test_outputs_do_not_need_torch() -> None:
    code = "import sys, BrainFMEngine.outputs; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_of_another_atlas_is_told(phantom: Prediction, tmp_path: Path) -> None:
    for space, told in ((ATLAS_SPACE, 0), ("somewhere else", 1)):
        progress = SilentProgress()
        write_results(
            replace(phantom, model=replace(phantom.model, atlas_space=space)), tmp_path, space, None, progress
        )
        assert sum("somewhere else" in warning for warning in progress.warnings) == told
