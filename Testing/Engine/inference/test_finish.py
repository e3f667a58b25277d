"""Raw heads become physical quantities, and mirrored ones come back to the right side."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.anatomy.protocols import BRAINFM_56, BRAINFM_LEFT_18, COMPACT_40
from BrainFMEngine.inference.finish import finish, mirror_back, mirror_refusal, to_linear
from BrainFMEngine.tasks import TASKS

TASK = {task.name: task for task in TASKS}


@pytest.mark.golden
def test_reference_values(golden_dir):
    values = np.load(golden_dir / "ops" / "postprocess.npz")
    image = values["input"][0, 0]
    linear = to_linear(TASK["seg"], torch.from_numpy(values["raw_segmentation"].copy()))
    np.testing.assert_allclose(linear.numpy(), values["final_segmentation"], rtol=1e-5, atol=1e-6)
    ids = np.array(BRAINFM_56.ids)
    assert linear.argmax(1).shape == values["final_label"][:, 0].shape and len(ids) == 56
    internal = values["label_list"][linear.argmax(1).numpy()]
    np.testing.assert_array_equal(internal, values["final_label"][:, 0])
    bias = finish(TASK["bias"], values["raw_bias_field_log"][0], image)
    np.testing.assert_allclose(bias, values["final_bias_field"][0], rtol=1e-5)
    hounsfield = finish(TASK["ct"], values["raw_CT"][0], image)
    np.testing.assert_allclose(hounsfield, np.clip(values["final_CT"][0], -1024, 3071), rtol=1e-5)
    distances = finish(TASK["distance"], values["raw_distance"][0], image)
    for channel, name in enumerate(("lp", "lw", "rp", "rw")):
        np.testing.assert_allclose(distances[channel], values[f"final_{name}"][0, 0], rtol=1e-6)
    coordinates = finish(TASK["registration"], values["raw_registration"][0], image)
    for channel, name in enumerate(("regx", "regy", "regz")):
        np.testing.assert_allclose(coordinates[channel], 100 * values[f"final_{name}"][0, 0], rtol=1e-6)
    sharper = finish(TASK["superresolution"], values["raw_high_res_residual"][0], image)
    np.testing.assert_allclose(sharper, values["final_high_res"][0], rtol=1e-5)


def test_intensities_are_not_negative():
    assert finish(TASK["t1"], np.array([[[[-0.5, 0.7]]]]), np.zeros((1, 1, 2))).tolist() == [[[[0.0, 0.7]]]]


def test_probabilities_sum_to_one_even_for_large_raw_values():
    linear = to_linear(TASK["seg"], torch.tensor([1e4, -1e4, 9999.0]).view(1, 3, 1, 1, 1))
    assert torch.isfinite(linear).all() and linear.sum() == pytest.approx(1)


def test_labels_change_sides():
    raw = torch.zeros(1, 40, 4, 1, 1)
    left, right = COMPACT_40.ids.index(2), COMPACT_40.ids.index(41)
    raw[0, left, 0] = 1  # seen left in the mirrored head: it is right of the real one
    back = mirror_back(TASK["seg"], raw, COMPACT_40)
    assert back[0, right, 3] == 1 and back.sum() == 1


def test_distances_change_sides():
    raw = torch.arange(4.0).view(1, 4, 1, 1, 1).repeat(1, 1, 2, 1, 1)
    assert mirror_back(TASK["distance"], raw, None)[0, :, 0, 0, 0].tolist() == [2, 3, 0, 1]


def test_atlas_x_changes_sign():
    raw = torch.tensor([0.5, 0.2, -0.3]).view(1, 3, 1, 1, 1)
    assert mirror_back(TASK["registration"], raw, None).flatten().tolist() == pytest.approx([-0.5, 0.2, -0.3])


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_mirroring_twice_changes_nothing(task):
    channels = {"labels": 40, "distance": 4, "registration": 3}.get(task.mirror, 1)
    raw = torch.rand(1, channels, 4, 3, 2)
    assert torch.equal(mirror_back(task, mirror_back(task, raw, COMPACT_40), COMPACT_40), raw)


def test_one_hemisphere_is_not_mirrored():
    assert "hemisphere" in mirror_refusal([TASK["seg"]], {"segmentation": 18}, BRAINFM_LEFT_18)
    assert "hemisphere" in mirror_refusal([TASK["distance"]], {"distance": 2}, None)
    assert mirror_refusal(TASKS, {"segmentation": 40, "distance": 4}, COMPACT_40) == ""
