"""From a scan to results on its own grid, with a network that knows nothing."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import torch
from BrainFMEngine import Predictor
from BrainFMEngine.errors import CancelledError, DeviceMemoryError, ModelFileError, UsageError
from BrainFMEngine.image.volume import Volume
from BrainFMEngine.progress import SilentProgress

SHAPE = (12, 14, 11)
MAPS = {"T1w", "T2w", "FLAIR", "CT", "biasfield", "lp", "lw", "rp", "rw", "atlas_coordinates"}


@pytest.fixture(scope="module")
def scan() -> Volume:
    """A blob in air on an oblique grid of 3 mm voxels whose first axis runs to the left."""
    axes = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij"))
    radius = np.sqrt((axes**2).sum(0))
    texture = np.random.default_rng(3).random(SHAPE)
    array = np.where(radius < 0.85, 100 * (2 - radius) + 40 * texture, 0).astype(np.float32)
    angle = 0.2
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([-3.0, 3.0, 3.0])
    affine[:3, 3] = [18, -21, -12]
    return Volume(array, affine)


@pytest.fixture
def predictor(make_network) -> Predictor:
    return Predictor(make_network(num_levels=3), device="cpu")


def test_every_result_lies_on_the_scan(predictor, scan):
    prediction = predictor.predict(scan, posteriors=True, features=True)
    assert prediction.grid.same_as(scan.grid)
    assert set(prediction.maps) == MAPS
    for name, values in prediction.maps.items():
        assert values.shape == (*SHAPE, 3) if name == "atlas_coordinates" else values.shape == SHAPE
        assert values.dtype == np.float32 and np.isfinite(values).all()
    assert prediction.labels.shape == SHAPE and prediction.labels.dtype == np.int16
    assert set(np.unique(prediction.labels)) <= set(prediction.protocol.ids)
    assert prediction.probabilities.shape == (40, *SHAPE) and prediction.probabilities.dtype == np.float16
    np.testing.assert_allclose(prediction.probabilities.astype(np.float32).sum(0), 1, atol=0.01)
    assert prediction.features.shape == (8, *prediction.conformed.volume.array.shape)
    np.testing.assert_array_equal(prediction.image, scan.array)
    assert prediction.brain_mask.dtype == bool and not prediction.brain_mask[prediction.labels == 0].any()
    assert set(prediction.seconds) == {"preparing", "network", "mapping"}


def test_units_and_ranges(predictor, scan):
    maps = predictor.predict(scan).maps
    assert maps["T1w"].min() >= 0
    assert -1024 <= maps["CT"].min() and maps["CT"].max() <= 3071
    assert np.abs(maps["lp"]).max() <= 3
    assert maps["biasfield"].min() > 0


def test_one_millimetre_grid(predictor, scan):
    prediction = predictor.predict(scan, grid="1mm", posteriors=True)
    grid = prediction.conformed.volume.grid
    assert prediction.grid.same_as(grid) and prediction.labels.shape == grid.shape == prediction.image.shape
    winners = np.array(prediction.protocol.ids)[prediction.probabilities.argmax(0)]
    np.testing.assert_array_equal(prediction.labels, winners)
    soft = prediction.soft_volumes_mm3
    assert sum(soft.values()) == pytest.approx(np.prod(grid.shape) * grid.voxel_mm3, rel=0.01)
    for label, confidence in prediction.confidence.items():
        channel = prediction.protocol.ids.index(label)
        expected = prediction.probabilities[channel][prediction.labels == label].astype(float).mean()
        assert confidence == pytest.approx(expected, rel=1e-3)


def test_only_what_is_asked_for_and_the_anatomy(predictor, scan):
    prediction = predictor.predict(scan, tasks="t2,bias")
    assert set(prediction.maps) == {"T2w", "biasfield"} and prediction.labels is not None
    assert prediction.options["tasks"] == ["t2", "bias"]


def test_without_a_segmentation_head(make_network, scan):
    network = make_network(heads={"T1": 1, "registration": 3}, num_levels=3)
    prediction = Predictor(network, device="cpu").predict(scan)
    assert prediction.labels is None and prediction.brain_mask is None and prediction.protocol is None
    assert set(prediction.maps) == {"T1w", "atlas_coordinates"}


def test_network_built_by_hand_has_a_description(make_network, scan):
    network = make_network(heads={"T1": 1, "segmentation": 56}, num_levels=3)
    network.info = None
    prediction = Predictor(network, device="cpu").predict(scan)
    assert prediction.model.name == "unnamed" and prediction.protocol.name == "brainfm-56"


def test_same_input_same_bits(predictor, scan):
    first, second = predictor.predict(scan), predictor.predict(scan)
    assert np.array_equal(first.labels, second.labels)
    assert all(np.array_equal(first.maps[name], second.maps[name]) for name in MAPS)


def test_windows_give_finite_results_everywhere(make_network, scan):
    progress = SilentProgress()
    predictor = Predictor(make_network(num_levels=3), device="cpu", window=48, progress=progress)
    prediction = predictor.predict(scan)
    assert "windows of" in prediction.options["plan"] and progress.warnings == prediction.warnings
    assert all(np.isfinite(values).all() for values in prediction.maps.values())


def test_mirrored_average(make_network, scan):
    network = make_network(num_levels=3)
    plain, mirrored = (Predictor(network, device="cpu", tta=tta).predict(scan) for tta in (False, True))
    assert mirrored.options["tta"] is True
    assert not np.array_equal(plain.maps["T1w"], mirrored.maps["T1w"])


def test_one_hemisphere_is_not_mirrored(make_network, scan):
    network = make_network(heads={"segmentation": 18}, num_levels=3)
    prediction = Predictor(network, device="cpu", tta=True).predict(scan)
    assert prediction.options["tta"] is False and any("hemisphere" in text for text in prediction.warnings)


def test_reads_files(predictor, scan, tmp_path):
    path = tmp_path / "scan with blanks.nii.gz"
    nib.save(nib.Nifti1Image(scan.array, scan.affine_ras), path)
    prediction = predictor.predict(path)
    assert prediction.conformed.native.source == path
    np.testing.assert_allclose(prediction.grid.affine_ras, scan.affine_ras, atol=1e-4)


def test_stages_are_told_in_order(make_network, scan):
    class Recorder(SilentProgress):
        stages: list[tuple[str, float]] = []

        def stage(self, name, fraction):
            self.stages.append((name, fraction))

    recorder = Recorder()
    Predictor(make_network(num_levels=3), device="cpu", progress=recorder).predict(scan)
    fractions = [fraction for _, fraction in recorder.stages]
    assert fractions == sorted(fractions) and 0 <= fractions[0] and fractions[-1] <= 1
    assert [name for name, _ in recorder.stages][:2] == ["preparing", "network"]


@pytest.mark.parametrize("calls", [0, 2, 4, 7])
def test_cancel_at_any_step(make_network, scan, calls):
    left = [calls]

    def cancelled():
        left[0] -= 1
        return left[0] < 0

    with pytest.raises(CancelledError):
        Predictor(make_network(num_levels=3), device="cpu", cancelled=cancelled).predict(scan)


def test_threads_are_restored(make_network, scan):
    before = torch.get_num_threads()
    Predictor(make_network(num_levels=3), device="cpu", threads=before + 1).predict(scan)
    assert torch.get_num_threads() == before


def test_a_network_with_broken_weights_gives_nothing(make_network, scan):
    network = make_network(num_levels=3)
    with torch.no_grad():
        network.head.final_conv_T1.bias.fill_(float("nan"))
    with pytest.raises(ModelFileError, match="not finite"):
        Predictor(network, device="cpu").predict(scan)


@pytest.mark.parametrize(
    ("options", "error"),
    [({"device": "gpu"}, UsageError), ({"device": "cuda:99"}, DeviceMemoryError), ({"threads": 0}, UsageError)],
    ids=str,
)
def test_impossible_options(make_network, options, error):
    with pytest.raises(error):
        Predictor(make_network(num_levels=3), **options)


@pytest.mark.parametrize("choice", [{"tasks": "t9"}, {"modality": "pet"}, {"grid": "2mm"}], ids=str)
def test_impossible_requests(predictor, scan, choice):
    with pytest.raises(UsageError):
        predictor.predict(scan, **choice)


def test_networks_that_need_more_than_a_scan(make_network):
    with pytest.raises(ModelFileError):
        Predictor(make_network(in_channels=3, num_levels=3))
    with pytest.raises(ModelFileError):
        Predictor(make_network(heads={"pathology": 1}, num_levels=3))
