"""Losses: the published values, and what they mean on small examples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.training import losses
from torch.testing import assert_close

IMAGES = {"T1": "T1", "CT": "CT", "SR": "high_res_residual"}


@pytest.fixture(scope="module")
def golden(golden_dir):
    data = np.load(golden_dir / "ops" / "losses.npz")
    tensors = {name: torch.from_numpy(data[name]) for name in data.files if name not in ("loss_names", "loss_values")}
    values = dict(zip(data["loss_names"].tolist(), data["loss_values"].tolist(), strict=True))
    return {name: tensor[0] if tensor.shape[0] == 1 else tensor for name, tensor in tensors.items()}, values


def published(name: str, data: dict[str, torch.Tensor]) -> torch.Tensor:
    """Compute the loss of a published name with our functions."""
    pair = {
        head: (data[f"pred_{head}"], data.get(f"target_{head}", data.get(f"sample_{head}"))) for head in heads(data)
    }
    visible = 1 - data["defacing_mask"][0]
    classes = data["target_segmentation"].argmax(0)
    log_probability = data["pred_segmentation"].log()
    single = {
        "seg_ce": lambda: losses.cross_entropy(log_probability, classes, 1 / len(log_probability)),
        "seg_dice": lambda: losses.soft_dice(data["pred_segmentation"], classes),
        "registration_smooth": lambda: losses.smoothness(data["pred_registration"]),
        "registration_hessian": lambda: losses.hessian_determinant(data["pred_registration"]),
        "bias_field_log": lambda: losses.l2(*pair["bias_field_log"], (classes > 0).float()),
        "pathol_ce": lambda: losses.presence_cross_entropy(pair["pathology"][0].log(), pair["pathology"][1]),
        "pathol_dice": lambda: losses.presence_dice(*pair["pathology"]),
        "T1_with_defacing_mask": lambda: losses.l1(*pair["T1"], visible),
        "T1_grad_with_defacing_mask": lambda: losses.gradient_l1(*pair["T1"], visible),
        "contrastive_alpha_beta_gamma_0.1": lambda: losses.contrastive(
            data["contrast_feat_a"], data["contrast_feat_b"], (0.1, 0.1, 0.1)
        ),
        "gaussian_nll": lambda: losses.gaussian_nll(data["nll_mu"], data["nll_logvar"], data["nll_target"]),
    }
    if name in single:
        return single[name]()
    head = name.removesuffix("_grad")
    loss = losses.gradient_l1 if name.endswith("_grad") else losses.l1
    return loss(*pair[IMAGES.get(head, head)])


def heads(data: dict[str, torch.Tensor]) -> list[str]:
    return [name.removeprefix("pred_") for name in data if name.startswith("pred_")]


@pytest.mark.golden
def test_every_published_loss_has_its_value(golden):
    data, values = golden
    assert len(values) == 20
    for name, value in values.items():
        assert float(published(name, data)) == pytest.approx(value, rel=2e-5), name


@pytest.mark.golden
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_differences_are_the_published_ones(golden, axis):
    data, _ = golden
    assert_close(losses.forward_difference(data["pred_T1"], axis), data[f"T1_diff_axis{axis + 1}"])


def test_perfect_segmentation_has_no_loss():
    target = torch.randint(0, 5, (8, 8, 8), generator=torch.Generator().manual_seed(1))
    log_probability = (40.0 * torch.nn.functional.one_hot(target, 5).movedim(-1, 0).float()).log_softmax(0)
    assert losses.cross_entropy(log_probability, target) == pytest.approx(0, abs=1e-4)
    assert losses.soft_dice(log_probability.exp(), target) == pytest.approx(0, abs=1e-4)


def test_absent_classes_count_as_wrong_unless_left_out():
    target = torch.zeros(4, 4, 4, dtype=torch.int64)
    probability = torch.zeros(4, 4, 4, 4)
    probability[0] = 1
    assert losses.soft_dice(probability, target) == pytest.approx(0.75)
    assert losses.soft_dice(probability, target, present_only=True) == pytest.approx(0)


def test_a_weight_of_zero_hides_a_voxel_from_every_loss(rng):
    prediction, target = (torch.from_numpy(rng.uniform(0.1, 0.9, (2, 5, 5, 5)).astype(np.float32)) for _ in range(2))
    classes = torch.from_numpy(rng.integers(0, 2, (5, 5, 5)))
    weight = torch.ones(5, 5, 5)
    weight[2, 2, 2] = 0
    changed = prediction.clone()
    changed[:, 2, 2, 2] = 0.99
    for loss, truth in (
        (losses.l1, target),
        (losses.l2, target),
        (lambda p, t, w: losses.cross_entropy(p.log(), t, 1.0, w), classes),
        (losses.soft_dice, classes),
        (losses.presence_dice, target),
    ):
        assert loss(prediction, truth, weight) == pytest.approx(float(loss(changed, truth, weight)), rel=1e-6)
        assert abs(float(loss(prediction, truth, None) - loss(changed, truth, None))) > 1e-5


def test_gradient_loss_ignores_a_constant_and_counts_an_edge_once():
    target = torch.zeros(1, 4, 4, 4)
    assert losses.gradient_l1(target + 3, target) == pytest.approx(0)
    edge = target.clone()
    edge[:, 2:] = 1
    assert losses.gradient_l1(edge, target) == pytest.approx(16 / 64)


def test_a_constant_factor_of_the_bias_field_is_taken_away():
    head = torch.zeros(4, 4, 4, dtype=torch.bool)
    head[1:3] = True
    field = torch.linspace(-1, 1, 64).reshape(1, 4, 4, 4)
    assert_close(losses.centred(field + 5, head), losses.centred(field, head), atol=1e-5, rtol=0)
    assert losses.centred(field, head)[:, ~head].abs().max() == 0


def test_contrastive_loss_falls_as_samples_agree():
    generator = torch.Generator().manual_seed(3)
    first, noise = (torch.randn(8, 4, 4, 4, generator=generator) for _ in range(2))
    first, other = (torch.nn.functional.normalize(features, dim=0) for features in (first, noise))
    same, strange, opposite = (losses.contrastive(first, second, (0.1, 0.1, 0.1)) for second in (first, other, -first))
    assert same < strange < opposite


def test_losses_keep_their_gradient_where_the_right_class_is_all_but_excluded():
    logits = torch.tensor([[20.0], [-20.0]]).reshape(2, 1, 1, 1).requires_grad_()
    losses.cross_entropy(logits.log_softmax(0), torch.ones(1, 1, 1, dtype=torch.int64)).backward()
    assert logits.grad.abs().max() > 0.9
