"""The network over an image: whole, in windows, mirrored; against plain calls and reference values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.inference.forward import Job, run_whole, run_windows
from BrainFMEngine.tasks import offered_tasks

CPU = torch.device("cpu")


def make_job(network, mirror=False, features=False, step=lambda fraction: None) -> Job:
    return Job(network, offered_tasks(network.config.heads), COMPACT_40, mirror, features, step)


def whole(network, image, **options):
    network.to(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        return dict(run_whole(make_job(network, **options), image, CPU))


@pytest.fixture
def image(rng):
    return rng.random((32, 48, 32)).astype(np.float32)


def test_whole_equals_a_plain_call(network, image):
    with torch.inference_mode():
        plain = network(torch.from_numpy(image)[None, None])
    heads = whole(network, image, features=True)
    assert list(heads) == [*network.config.heads, "features"]
    for name, values in heads.items():
        raw = plain["features"][-1] if name == "features" else plain[name]
        expected = (raw.softmax(1) if name == "segmentation" else raw)[0].numpy()
        half = name in ("segmentation", "features")
        assert values.dtype == (np.float16 if half else np.float32)
        assert np.abs(values - expected).mean() < (3e-4 if half else 1e-5)


def test_contrast_heads_see_the_image(make_network, image):
    network = make_network(heads={"image": 1, "bias_field_log": 1}, contrast_heads=("image",), unit_features=False)
    with torch.inference_mode():
        plain = network(torch.from_numpy(image)[None, None])
    heads = whole(network, image)
    np.testing.assert_allclose(heads["image"], plain["image"][0].numpy(), atol=2e-3)


def test_hidden_layers_before_the_heads(make_network, image):
    network = make_network(heads={"T1": 1}, hidden_maps=(8,), unit_features=False)
    with torch.inference_mode():
        plain = network(torch.from_numpy(image)[None, None])
    np.testing.assert_allclose(whole(network, image)["T1"], plain["T1"][0].numpy(), atol=2e-3)


def test_one_window_over_everything_equals_the_whole(network, image):
    with torch.inference_mode():
        windowed = dict(run_windows(make_job(network, features=True), image, CPU, image.shape))
    for name, values in whole(network, image, features=True).items():
        np.testing.assert_allclose(windowed[name].astype(np.float32), values.astype(np.float32), atol=2e-3)


def test_windows_blend_probabilities(network, image):
    told = []
    with torch.inference_mode():
        heads = dict(run_windows(make_job(network, step=told.append), image, CPU, (32, 32, 32)))
    assert heads["segmentation"].shape == (40, *image.shape)
    np.testing.assert_allclose(heads["segmentation"].astype(np.float32).sum(0), 1, atol=5e-3)
    assert all(np.isfinite(values).all() for values in heads.values())
    assert told == sorted(told) and told[-1] == pytest.approx(1)


def test_mirrored_image_gives_mirrored_results(network, image):
    once, flipped = (whole(network, scan, mirror=True) for scan in (image, image[::-1].copy()))
    tolerance = {"atol": 3e-3, "rtol": 0}
    np.testing.assert_allclose(flipped["T1"][..., ::-1, :, :], once["T1"], **tolerance)
    order = list(COMPACT_40.flip)
    np.testing.assert_allclose(
        flipped["segmentation"][order, ::-1].astype(np.float32), once["segmentation"].astype(np.float32), **tolerance
    )
    np.testing.assert_allclose(flipped["distance"][[2, 3, 0, 1], ::-1], once["distance"], **tolerance)
    sign = np.array([-1, 1, 1]).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(flipped["registration"][:, ::-1] * sign, once["registration"], **tolerance)


def test_same_input_same_bits(network, image):
    first, second = whole(network, image), whole(network, image)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_stopping_from_the_step(network, image):
    def stop(fraction):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        whole(network, image, step=stop)


@pytest.mark.golden
@pytest.mark.parametrize("name", ["T1", "CT", "bias_field_log", "distance", "registration"])
def test_reference_network(golden_dir, name):
    from BrainFMEngine.models.importing import read_model
    from BrainFMEngine.network.checkpoint import network_from_state

    folder = golden_dir / "brainfm_small"
    values = np.load(folder / "io_aligned.npz")
    model = read_model(folder / "brainfm_f8_l6.pth")
    network = network_from_state(model.state, model.info.network, "reference")
    heads = whole(network, values["input"][0, 0])
    key = next(key for key in values if key.startswith(f"raw_{name}") and values[key].ndim == 5)
    stride = int(key.split("stride")[1]) if "stride" in key else 1
    np.testing.assert_allclose(heads[name][:, ::stride, ::stride, ::stride], values[key][0], atol=2e-3, rtol=1e-3)
