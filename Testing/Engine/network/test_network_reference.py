"""Raw outputs and features against reference values of the published systems."""

from __future__ import annotations

import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from BrainFMEngine.network.config import NetworkConfig  # noqa: E402
from published import JOINT_HEADS, ROUNDING_OF_REFERENCE  # noqa: E402

pytestmark = [pytest.mark.golden, pytest.mark.filterwarnings("ignore:std")]

LEFT = {"T1": 1, "T2": 1, "FLAIR": 1, "bias_field_log": 1, "segmentation": 18, "distance": 2, "registration": 3}


def brainid(**changes) -> NetworkConfig:
    return NetworkConfig(**{"f_maps": 8, "num_levels": 5, "unit_features": False, **changes})


BRAINID_TASKS = {
    "recon": brainid(heads={"image": 1}),
    "seg": brainid(heads={"seg": 33}),
    "sr": brainid(heads={"image": 1}, contrast_heads=("image",)),
    "bf": brainid(heads={"bias_field_log": 1}, contrast_heads=("bias_field_log",)),
}


def run(network, image: np.ndarray) -> dict[str, torch.Tensor]:
    with torch.inference_mode():
        return network.double()(torch.from_numpy(image).double())


def assert_matches(reference, prefix: str, name: str, value: torch.Tensor) -> int:
    """Compare one output with every form in which the reference keeps it; return how many there were."""
    compared = 0
    for key in (key for key in reference.files if re.fullmatch(re.escape(prefix + name) + r"(__.*)?", key)):
        form = key[len(prefix + name) :].lstrip("_")
        expected = reference[key]
        np.testing.assert_allclose(_view(value, form), expected, rtol=1e-4, atol=_atol(form, expected), err_msg=key)
        compared += 1
    return compared


def _atol(form: str, expected: np.ndarray) -> float:
    return 1e-4 * max(1.0, float(np.abs(expected).max())) if form == "stats" else ROUNDING_OF_REFERENCE


def _view(value: torch.Tensor, form: str) -> np.ndarray:
    if form.startswith("stride"):
        step = int(form.removeprefix("stride"))
        return value[..., ::step, ::step, ::step].numpy()
    wide = value.double()
    channels = wide.transpose(0, 1).flatten(1) if value.ndim == 5 else wide[None]
    return {
        "": lambda: value.numpy(),
        "shape": lambda: np.array(value.shape),
        "stats": lambda: np.array([wide.mean(), wide.std(), wide.abs().sum(), wide.min(), wide.max()]),
        "chan_mean": lambda: channels.mean(1).numpy(),
        "chan_std": lambda: channels.std(1).numpy(),
    }[form]()


def test_joint_network_gives_reference_features_and_outputs(golden_dir, recipe_network):
    with np.load(golden_dir / "brainfm_small/io_aligned.npz") as reference:
        outputs = run(recipe_network(NetworkConfig(heads=JOINT_HEADS, f_maps=8)), reference["input"])
        for level, features in enumerate(outputs.pop("features")):
            assert assert_matches(reference, "", f"feat_level{level}", features)
        for name, value in outputs.items():
            assert assert_matches(reference, "raw_", name, value)
        labels = outputs["segmentation"].argmax(1, keepdim=True).numpy()
        assert len(np.unique(labels)) > 1


@pytest.mark.parametrize(
    ("prefix", "config"),
    [
        ("hemis", NetworkConfig(heads=LEFT, f_maps=8)),
        ("sr", NetworkConfig(heads={"high_res_residual": 1}, f_maps=8)),
    ],
)
def test_variants_give_reference_outputs(golden_dir, recipe_network, prefix, config):
    with np.load(golden_dir / "brainfm_small/io_variants.npz") as reference:
        outputs = run(recipe_network(config), reference["input"])
        outputs.pop("features")
        for name, value in outputs.items():
            assert assert_matches(reference, f"{prefix}_raw_", name, value)


def test_age_head_gives_reference_age(golden_dir, recipe_network):
    config = NetworkConfig(heads={}, f_maps=8, num_levels=5, age_size=(32, 32, 32))
    with np.load(golden_dir / "brainfm_small/io_variants.npz") as reference:
        age = run(recipe_network(config), reference["input"])["age"]
        assert assert_matches(reference, "age_", "raw", age)


def test_conditioned_network_gives_reference_output(golden_dir, recipe_network):
    config = NetworkConfig(heads={"T1": 1}, in_channels=3, f_maps=8, num_levels=5)
    with np.load(golden_dir / "brainfm_small/io_variants.npz") as reference:
        image, mask = reference["input"], reference["cond_pathology"].astype(np.float32)
        masked = image * (1 - mask)
        conditioned = np.concatenate([masked, np.flip(masked, 2), mask], axis=1)
        assert assert_matches(reference, "cond_raw_", "T1", run(recipe_network(config), conditioned)["T1"])


def test_brain_id_gives_reference_features_and_image(golden_dir, recipe_network):
    with np.load(golden_dir / "brainid_small/io.npz") as reference:
        outputs = run(recipe_network(brainid(heads={"image": 1})), reference["input"])
        assert assert_matches(reference, "raw_", "image", outputs["image"])
        for level, features in enumerate(outputs["features"]):
            assert assert_matches(reference, "", f"feat_level{level}", features)


@pytest.mark.parametrize("task", BRAINID_TASKS)
def test_brain_id_downstream_heads_give_reference_outputs(golden_dir, recipe_network, task):
    config = BRAINID_TASKS[task]
    with np.load(golden_dir / "brainid_small/io.npz") as reference:
        outputs = run(recipe_network(config, task), reference["input"])
        for name in config.heads:
            assert assert_matches(reference, f"task_{task}_raw_", name, outputs[name])
