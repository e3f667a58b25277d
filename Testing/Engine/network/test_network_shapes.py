"""Names, order, shapes and counts of parameters, on the meta device: no memory is used."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from BrainFMEngine.errors import ModelFileError  # noqa: E402
from BrainFMEngine.network.build import build_network  # noqa: E402
from BrainFMEngine.network.config import NetworkConfig  # noqa: E402
from published import JOINT_HEADS  # noqa: E402

VARIANTS = {
    "brainfm_age_f64_l6_160": {"heads": {}, "age_size": (160, 160, 160)},
    "brainfm_inpaint_conditioned_f64_l5": {"heads": {"T1": 1}, "in_channels": 3},
    "brainfm_sep_f64_l5": {"heads": {}, "in_channels": 1, "decoder_names": ("normal", "pathol")},
    "brainid_task_bf_f64_l5_head": {"contrast_heads": ("bias_field_log",)},
    "brainid_task_sr_f64_l5_head": {"contrast_heads": ("image",)},
}
LISTS = (
    [f"brainfm_{name}_f64_l6" for name in ("bf", "dist", "hemis", "joint", "reg", "seg", "sr", "synth")]
    + ["brainfm_age_f64_l6_160", "brainfm_demo_f64_l6_with_sr", "brainfm_inpaint_conditioned_f64_l5"]
    + ["brainfm_joint_f64_l5", "brainfm_sep_f64_l5"]
    + [f"brainid_feat_{name}_f64_l5" for name in ("anat", "anat_seg", "seg")]
    + [f"brainid_task_{t}_f64_l5_{part}" for t in ("bf", "recon", "seg", "sr") for part in ("features", "head")]
)


def meta_state(config: NetworkConfig) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        return build_network(config).state_dict()


def count(config: NetworkConfig) -> int:
    return sum(tensor.numel() for tensor in meta_state(config).values())


@pytest.mark.golden
def test_every_reference_list_is_tested(golden_dir):
    assert sorted(path.stem for path in (golden_dir / "shapes").glob("*.json")) == sorted(LISTS)


@pytest.mark.golden
@pytest.mark.parametrize("stem", LISTS)
def test_names_order_shapes_and_count_match_the_reference(golden_dir, stem):
    listed = json.loads((golden_dir / "shapes" / f"{stem}.json").read_text())
    values = {"heads": listed.get("heads", {}), "num_levels": listed.get("num_levels", 5), **VARIANTS.get(stem, {})}
    found = [[name, list(tensor.shape)] for name, tensor in meta_state(NetworkConfig(**values)).items()]
    if stem.endswith("_head"):
        found = [[name.removeprefix("head."), shape] for name, shape in found if name.startswith("head.")]
    assert found == [[name, shape] for name, shape, _ in listed["tensors"]]
    assert len(found) == listed["n_tensors"]
    assert sum(torch.Size(shape).numel() for _, shape in found) == listed["n_parameters"]


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (NetworkConfig(heads=JOINT_HEADS), 264_067_558),
        (NetworkConfig(heads=JOINT_HEADS, num_levels=5), 65_874_406),
        (NetworkConfig(heads={**JOINT_HEADS, "high_res_residual": 1}), 264_067_623),
        (NetworkConfig(heads={"image": 1}, num_levels=5, unit_features=False), 65_870_051),
        (NetworkConfig(heads={}, age_size=(160, 160, 160)), 264_734_315),
        (NetworkConfig(heads={}, num_levels=5, decoder_names=("normal", "pathol")), 103_478_946),
    ],
)
def test_published_parameter_counts(config, parameters):
    assert count(config) == parameters


def test_released_names_and_first_and_last_shapes():
    state = meta_state(NetworkConfig(heads=JOINT_HEADS))
    assert len(state) == 82
    assert list(state)[0] == "backbone.encoders.0.basic_module.SingleConv1.groupnorm.weight"
    assert list(state)[-1] == "head.final_conv_registration.bias"
    assert tuple(state["backbone.decoders.0.basic_module.SingleConv1.conv.weight"].shape) == (1024, 3072, 3, 3, 3)
    assert tuple(state["head.final_conv_segmentation.weight"].shape) == (56, 64, 1, 1, 1)


def test_hidden_layers_are_named_and_come_before_the_outputs():
    state = meta_state(NetworkConfig(heads={"T1": 1}, f_maps=16, num_levels=2, hidden_maps=(32, 8)))
    head = {name: tuple(tensor.shape) for name, tensor in state.items() if name.startswith("head.")}
    assert head == {
        "head.layers.0.main.weight": (32, 16, 3, 3, 3),
        "head.layers.0.main.bias": (32,),
        "head.layers.1.main.weight": (8, 32, 3, 3, 3),
        "head.layers.1.main.bias": (8,),
        "head.final_conv_T1.weight": (1, 8, 1, 1, 1),
        "head.final_conv_T1.bias": (1,),
    }


def test_hidden_layers_of_a_contrast_head_see_the_image_first():
    config = NetworkConfig(heads={"image": 1}, f_maps=16, num_levels=2, hidden_maps=(8,), contrast_heads=("image",))
    state = meta_state(config)
    assert tuple(state["head.layers.0.main.weight"].shape) == (8, 17, 3, 3, 3)
    assert tuple(state["head.final_conv_image.weight"].shape) == (1, 8, 1, 1, 1)
    assert build_network(config)(torch.rand(1, 1, 4, 4, 4))["image"].shape == (1, 1, 4, 4, 4)


@pytest.mark.parametrize("size", [(16, 16, 16), (17, 19, 33)])
def test_outputs_have_the_size_of_the_input_even_when_it_is_odd(size):
    network = build_network(NetworkConfig(heads={"T1": 1, "distance": 4}, f_maps=8, num_levels=5)).eval()
    with torch.inference_mode():
        outputs = network(torch.rand(2, 1, *size))
    assert outputs["distance"].shape == (2, 4, *size)
    assert outputs["features"][-1].shape == (2, 8, *size)
    assert len(outputs["features"]) == 5


@pytest.mark.parametrize("unit", [True, False])
def test_only_the_last_features_are_normalised_and_only_on_request(unit):
    network = build_network(NetworkConfig(heads={}, f_maps=8, num_levels=3, unit_features=unit)).eval()
    with torch.inference_mode():
        features = network.backbone(torch.rand(1, 1, 8, 8, 8))
    norms = [level.norm(dim=1) for level in features]
    assert torch.allclose(norms[-1], torch.ones(()), atol=1e-5) == unit
    assert not torch.allclose(norms[-2], torch.ones(()), atol=1e-2)


def test_keeping_only_the_last_level_gives_the_same_features():
    network = build_network(NetworkConfig(heads={}, f_maps=8, num_levels=3)).eval()
    image = torch.rand(1, 1, 8, 8, 8)
    with torch.inference_mode():
        assert torch.equal(network.backbone(image)[-1], network.backbone(image, keep_levels=False)[-1])


@pytest.mark.parametrize(
    "values",
    [
        {"heads": {"a.b": 1}},
        {"heads": {"T1": 0}},
        {"heads": ["T1"]},
        {"heads": {"T1": 1}, "f_maps": 12},
        {"heads": {"T1": 1}, "num_levels": 99},
        {"heads": {"T1": 1}, "num_levels": True},
        {"heads": {"T1": 1}, "contrast_heads": ["T2"]},
        {"heads": {"T1": 1}, "age_size": [160, 160]},
        {"heads": {"T1": 1}, "hidden_maps": 5},
        {"heads": {"T1": 1}, "levels": 5},
        {"f_maps": 8},
    ],
)
def test_impossible_architectures_are_refused(values):
    with pytest.raises(ModelFileError):
        NetworkConfig.from_dict(values)


def test_config_survives_json():
    config = NetworkConfig(heads=JOINT_HEADS, hidden_maps=(8,), age_size=(32, 32, 32))
    assert NetworkConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_unknown_key_names_the_nearest():
    with pytest.raises(ModelFileError, match="num_levels"):
        NetworkConfig.from_dict({"heads": {}, "num_level": 5})


def test_a_refined_image_is_not_offered_as_t1w():
    config = NetworkConfig(heads={"image": 1}, f_maps=8, num_levels=5, unit_features=False)
    assert config.task_heads == ("image",)
    assert replace(config, contrast_heads=("image",)).task_heads == ()
