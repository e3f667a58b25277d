"""The authors' files become model folders that give the same numbers; what is not recognised is refused."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from BrainFMEngine import load_model  # noqa: E402
from BrainFMEngine.errors import FileAccessError, ModelFileError, UsageError  # noqa: E402
from BrainFMEngine.models.authors import check_torch_version  # noqa: E402
from BrainFMEngine.models.importing import default_name, import_model, read_model  # noqa: E402
from BrainFMEngine.models.store import list_models, models_folder, remove_model  # noqa: E402
from BrainFMEngine.network.build import build_network  # noqa: E402
from BrainFMEngine.network.config import NetworkConfig  # noqa: E402
from checkpoint_makers import BRAIN_ID, SMALL, weights  # noqa: E402
from published import ROUNDING_OF_REFERENCE  # noqa: E402


@pytest.mark.golden
def test_published_format_of_brainfm_is_imported_and_gives_reference_outputs(golden_dir, home):
    info = import_model(golden_dir / "brainfm_small/brainfm_f8_l6.pth", "small")
    assert (info.network.num_levels, info.network.f_maps, info.network.unit_features) == (6, 8, True)
    assert info.label_protocol == "brainfm-56"
    assert set(info.tasks) == {"t1", "t2", "flair", "ct", "bias", "seg", "distance", "registration"}
    with np.load(golden_dir / "brainfm_small/io_aligned.npz") as reference, torch.inference_mode():
        outputs = load_model("small").double()(torch.from_numpy(reference["input"]).double())
        np.testing.assert_allclose(outputs["T1"].numpy(), reference["raw_T1"], atol=ROUNDING_OF_REFERENCE)
        segmentation = outputs["segmentation"].numpy()[..., ::4, ::4, ::4]
        np.testing.assert_allclose(segmentation, reference["raw_segmentation__stride4"], atol=ROUNDING_OF_REFERENCE)


@pytest.mark.golden
def test_published_format_of_brain_id_is_imported_without_unit_features(golden_dir, home):
    info = import_model(golden_dir / "brainid_small/brainid_feat_anat_f8_l5.pth", "identity")
    assert (info.network.num_levels, info.network.unit_features, info.tasks) == (5, False, ("t1",))
    with np.load(golden_dir / "brainid_small/io.npz") as reference, torch.inference_mode():
        outputs = load_model("identity").double()(torch.from_numpy(reference["input"]).double())
        np.testing.assert_allclose(outputs["image"].numpy(), reference["raw_image"], atol=ROUNDING_OF_REFERENCE)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("task", "key", "contrast"),
    [
        ("recon", "image__stride2", False),
        ("seg", "seg__stride4", False),
        ("sr", "image__stride2", True),
        ("bf", "bias_field_log__stride2", True),
    ],
)
def test_features_and_head_files_are_joined(golden_dir, home, task, key, contrast):
    folder = golden_dir / "brainid_small"
    features = folder / "brainid_feat_anat_f8_l5.pth"
    info = import_model(features, task, folder / f"brainid_task_{task}_head_f8.pth")
    name, step = key.split("__stride")
    assert (name in info.network.contrast_heads) == contrast
    with np.load(folder / "io.npz") as reference, torch.inference_mode():
        output = load_model(task).double()(torch.from_numpy(reference["input"]).double())[name]
        expected = reference[f"task_{task}_raw_{key}"]
        strided = output.numpy()[(..., *[slice(None, None, int(step))] * 3)]
        np.testing.assert_allclose(strided, expected, atol=ROUNDING_OF_REFERENCE)


def test_import_converts_once_to_safetensors(home, checkpoint):
    state = weights()
    info = import_model(checkpoint(state))
    folder = models_folder() / "authors"
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]
    loaded = load_model(folder)
    assert loaded.info == info
    assert all(torch.equal(tensor, state[name]) for name, tensor in loaded.state_dict().items())
    assert [path.name for path in models_folder().iterdir()] == ["authors"]


def test_provenance_says_what_is_known(home, checkpoint):
    info = import_model(checkpoint())
    assert "unverified" in info.provenance["verified"]
    assert info.provenance["finished_epochs"] == "3"
    assert len(info.provenance["source_sha256"]) == 64
    assert info.licence == "not established"


def test_head_absent_from_the_file_is_not_offered(checkpoint):
    state = {name: tensor for name, tensor in weights().items() if "distance" not in name}
    info = read_model(checkpoint(state)).info
    assert info.tasks == ("t1", "seg")
    assert info.provenance["declared_but_absent"] == "distance"


@pytest.mark.parametrize(
    "config",
    [
        NetworkConfig(heads={"T1": 1, "segmentation": 18, "distance": 2}, f_maps=8, num_levels=4),
        NetworkConfig(heads={"high_res_residual": 1}, f_maps=16, num_levels=3),
        NetworkConfig(heads={"T1": 1, "pathology": 1}, in_channels=3, f_maps=8, num_levels=3),
        NetworkConfig(heads={"T1": 1}, f_maps=8, num_levels=3, hidden_maps=(4, 6), unit_features=False),
        NetworkConfig(heads={"T1": 1}, f_maps=8, num_levels=3, decoder_names=("normal", "pathol")),
        NetworkConfig(heads={}, f_maps=8, num_levels=3, age_size=(32, 48, 32)),
    ],
)
def test_architecture_is_recognised(checkpoint, config):
    arguments = argparse.Namespace(unit_feat=config.unit_features, size=list(config.age_size or (160, 160, 160)))
    assert read_model(checkpoint(config=config, train_args=arguments)).info.network == config


def test_contrast_heads_are_recognised_by_their_width(checkpoint):
    config = NetworkConfig(heads={"image": 1}, f_maps=8, num_levels=3, unit_features=False, contrast_heads=("image",))
    path = checkpoint(config=config, args=argparse.Namespace(task="task-sr"), train_args=None)
    assert read_model(path).info.network.contrast_heads == ("image",)


def bare(checkpoint, config: NetworkConfig):
    path = checkpoint(name="bare.pth")
    torch.save({"model": weights(config)}, path)
    return read_model(path).info.network.unit_features


def test_without_arguments_the_outputs_tell_unit_features(checkpoint):
    assert bare(checkpoint, SMALL) is True
    assert bare(checkpoint, BRAIN_ID) is False
    with pytest.raises(ModelFileError, match="normalised"):
        bare(checkpoint, NetworkConfig(heads={"bias_field_log": 1}, f_maps=8, num_levels=3))


def test_parallel_training_prefix_is_removed_only_from_all_names(checkpoint):
    state = weights()
    assert read_model(checkpoint({f"module.{name}": tensor for name, tensor in state.items()})).info.tasks
    first = next(iter(state))
    mixed = {(f"module.{name}" if name == first else name): tensor for name, tensor in state.items()}
    with pytest.raises(ModelFileError, match="module"):
        read_model(checkpoint(mixed))


def test_half_precision_checkpoint_becomes_float32(home, checkpoint):
    import_model(checkpoint({name: tensor.half() for name, tensor in weights().items()}), "half")
    assert {tensor.dtype for tensor in load_model("half").state_dict().values()} == {torch.float32}


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_half_of_a_pair_asks_for_the_other(checkpoint, part):
    state = {name: tensor for name, tensor in weights(BRAIN_ID).items() if name.startswith(part)}
    state = {name.removeprefix("head."): tensor for name, tensor in state.items()}
    with pytest.raises(ModelFileError, match="it lacks a .*--head"):
        read_model(checkpoint(state, args=argparse.Namespace(), train_args=None))


def test_head_of_another_width_is_refused(checkpoint):
    features = checkpoint(weights(BRAIN_ID), name="features.pth")
    head = checkpoint({"final_conv_seg.weight": torch.zeros(33, 16, 1, 1, 1), "final_conv_seg.bias": torch.zeros(33)})
    with pytest.raises(ModelFileError, match="misshapen.*final_conv_seg.weight"):
        read_model(features, head)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("f_maps", 16, "f_maps = 16"), ("num_levels", 6, "num_levels"), ("num_groups", 4, "num_groups")],
)
def test_arguments_that_contradict_the_tensors_are_refused(checkpoint, key, value, said):
    arguments = argparse.Namespace(unit_feat=True, **{key: value})
    with pytest.raises(ModelFileError, match=said):
        read_model(checkpoint(train_args=arguments))


def test_unknown_label_lists_are_refused(checkpoint):
    with pytest.raises(ModelFileError, match="labels"):
        read_model(checkpoint(gen_args=argparse.Namespace(label_list_segmentation=list(range(56)))))
    three = NetworkConfig(heads={"segmentation": 3}, f_maps=8, num_levels=3)
    with pytest.raises(ModelFileError, match="3 classes"):
        read_model(checkpoint(config=three))


def test_old_torch_refuses_what_it_cannot_read_safely(tmp_path):
    path = tmp_path / "x.pth"
    for version, known in (("2.5.1+cpu", True), ("2.9.1", False), ("nonsense", True)):
        with pytest.raises(ModelFileError, match="torch"):
            check_torch_version(path, version, known)
    check_torch_version(path, "2.9.1", known=True)
    check_torch_version(path, "2.10.0a0+git", known=False)


def test_taken_and_impossible_names_are_refused(home, checkpoint):
    path = checkpoint()
    import_model(path, "mine")
    with pytest.raises(UsageError, match="installed already"):
        import_model(path, "mine")
    with pytest.raises(UsageError, match="bundled"):
        import_model(path, "compact")
    for name in ("../mine", "Mine", ".hidden", "con", "a/b", "x" * 65, "a.", ""):
        with pytest.raises(ModelFileError):
            import_model(path, name or "/")
    with pytest.raises(FileAccessError, match="no such file"):
        import_model(home / "none.pth")


def test_model_folders_can_be_imported_under_another_name(home, model_folder):
    info = import_model(model_folder / "model.safetensors", "copy")
    assert load_model("copy").info == info
    remove_model("copy")
    assert not [model for model in list_models() if model.name == "copy"]
    assert list(models_folder().iterdir()) == []


def test_load_model_never_reads_a_pth_file(checkpoint):
    with pytest.raises(ModelFileError, match="brainfm models import"):
        load_model(checkpoint())


def test_load_model_names_what_is_missing(home, tmp_path):
    for wanted, said in (
        ("brainfm", "brainfm models download brainfm"),
        ("unheard-of", "no model is called"),
        (tmp_path / "nowhere", "no model at"),
        (tmp_path, "is not a model"),
    ):
        with pytest.raises(ModelFileError, match=said):
            load_model(wanted)


def test_default_names_are_valid():
    assert default_name("My Model (1).pth") == "my-model-1"
    assert default_name("/x/feat.pth", "/y/head.pth") == "feat-head"
    assert default_name("///.pth") == "pth"


def test_recognised_network_equals_the_one_that_was_saved(checkpoint):
    assert read_model(checkpoint()).info.network == SMALL
    image = torch.rand(1, 1, 8, 8, 8)
    network = build_network(SMALL)
    network.load_state_dict(read_model(checkpoint(network.state_dict())).state)
    assert network(image)["T1"].shape == image.shape
