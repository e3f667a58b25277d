"""The training loop: it learns, it stops and goes on, and its losses are what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.generator.labels import freesurfer_scheme
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.network.checkpoint import load_network
from BrainFMEngine.training.export import export
from BrainFMEngine.training.losses import gradient_l1, masked_l1, segmentation_losses
from BrainFMEngine.training.trainer import Trainer, TrainingOptions


def make_subject() -> Subject:
    rows = np.zeros((40, 40, 40), np.uint8)
    rows[6:34, 6:34, 6:34] = freesurfer_scheme().row(2)
    return Subject("box", torch.from_numpy(rows), None, None)


def test_perfect_segmentation_has_no_loss():
    target = torch.randint(0, 5, (8, 8, 8))
    logits = 40.0 * torch.nn.functional.one_hot(target, 5).movedim(-1, 0).float()
    losses = segmentation_losses(logits, target)
    assert losses["seg_ce"] == pytest.approx(0, abs=1e-4)
    assert losses["seg_dice"] == pytest.approx(0, abs=1e-4)


def test_dice_ignores_classes_that_are_absent():
    target = torch.zeros(4, 4, 4, dtype=torch.int64)
    logits = torch.zeros(3, 4, 4, 4)
    logits[0] = 40
    assert segmentation_losses(logits, target)["seg_dice"] == pytest.approx(0, abs=1e-4)


def test_l1_losses_by_hand():
    prediction = torch.zeros(1, 2, 2, 2)
    target = torch.ones(1, 2, 2, 2)
    mask = torch.zeros(2, 2, 2, dtype=torch.bool)
    mask[0, 0, 0] = True
    assert masked_l1(prediction, 3 * target, mask) == pytest.approx(3)
    assert gradient_l1(prediction, target) == pytest.approx(0)
    target[:, 1] = 3
    assert gradient_l1(prediction, target) == pytest.approx(2)


def test_a_run_stops_and_continues_bit_for_bit(tmp_path):
    torch.set_num_threads(1)
    options = {"shape": (32, 32, 32), "save_every": 100, "learning_rate": 1e-3, "bfloat16": False}
    Trainer([make_subject()], tmp_path / "whole", TrainingOptions(steps=4, **options)).run()
    for _ in range(2):
        trainer = Trainer([make_subject()], tmp_path / "halves", TrainingOptions(steps=2, **options))
        trainer.run()
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("whole", "halves")
    ]
    assert losses[0] == losses[1]
    assert all(np.isfinite(losses[0]))
    assert len(COMPACT_40.ids) == trainer.network.config.heads["segmentation"]


def test_a_run_can_be_exported_and_begin_another(tmp_path):
    options = {"steps": 1, "shape": (32, 32, 32), "bfloat16": False}
    Trainer([make_subject()], tmp_path / "first", TrainingOptions(**options)).run()
    export(tmp_path / "first" / "last.pt", tmp_path / "model", {"name": "tiny", "label_protocol": "compact-40"})
    exported = load_network(tmp_path / "model").state_dict()
    begun = Trainer([make_subject()], tmp_path / "second", TrainingOptions(**options, start=tmp_path / "model"))
    assert all(torch.equal(exported[name], tensor) for name, tensor in begun.network.state_dict().items())


def test_a_finer_stage_begins_with_the_deep_levels_of_the_coarser(tmp_path):
    options = {"steps": 1, "bfloat16": False}
    coarse = Trainer([make_subject()], tmp_path / "coarse", TrainingOptions(shape=(16,) * 3, spacing_mm=2, **options))
    coarse.run()
    fine_options = TrainingOptions(shape=(32,) * 3, grow_from=tmp_path / "coarse" / "last.pt", **options)
    fine = Trainer([make_subject()], tmp_path / "fine", fine_options)
    learnt, grown = coarse.average, fine.network.state_dict()
    for level in range(1, 4):
        name = "basic_module.SingleConv2.conv.weight"
        expected = learnt[f"backbone.encoders.{level}.{name}"]
        assert torch.equal(grown[f"backbone.encoders.{level + 1}.{name}"], expected)
    assert torch.equal(grown[f"backbone.decoders.0.{name}"], learnt[f"backbone.decoders.0.{name}"])
    fine.run()
    record = json.loads((tmp_path / "fine" / "log.jsonl").read_text())
    assert {"seg_ce", "coarse_seg_ce"} <= set(record)
