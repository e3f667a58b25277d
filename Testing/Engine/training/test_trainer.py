"""The loop of a run: it learns, stops and goes on bit for bit, and survives what is not finite."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace

import pytest
import torch
from boxes import box_subject
from BrainFMEngine.errors import FileAccessError
from BrainFMEngine.network.checkpoint import load_network
from BrainFMEngine.training import learner as learner_module
from BrainFMEngine.training.checkpoints import BEST, LAST, checkpoint_path, load_checkpoint
from BrainFMEngine.training.export import export_weights
from BrainFMEngine.training.learner import Learner
from BrainFMEngine.training.logbook import read_log
from BrainFMEngine.training.recipe import Recipe, with_values
from BrainFMEngine.training.recipes import named_recipe
from BrainFMEngine.training.run_folder import RunFolder
from BrainFMEngine.training.start import initial_network
from BrainFMEngine.training.stop import StopSignal
from BrainFMEngine.training.trainer import NotFiniteRunError, Trainer
from BrainFMEngine.training.validation import Validation

pytestmark = pytest.mark.usefixtures("one_thread")


def tiny_recipe(**changes) -> Recipe:
    recipe = with_values(named_recipe("brainfm", "quick"), {"steps": 4, "validation.every": 0, **changes})
    return replace(recipe, schedule=replace(recipe.schedule, decay_steps=2))


def make_trainer(folder, recipe, **options) -> Trainer:
    folder.mkdir(exist_ok=True)
    return Trainer(recipe, Learner(recipe, initial_network(recipe)), [box_subject(("T1",))], folder, **options)


class StopAfter(StopSignal):
    """Asks to stop once so many steps were taken."""

    def __init__(self, steps: int):
        super().__init__()
        self.left = steps

    @property
    def requested(self):
        self.left -= 1
        return "enough" if self.left < 0 else None


def losses(folder) -> list[float]:
    return [line["loss"] for line in read_log(folder) if "loss" in line]


def test_it_learns(tmp_path):
    recipe = tiny_recipe(**{"steps": 12, "optimizer.learning_rate": 2e-3, "data.real_probability": None})
    assert make_trainer(tmp_path, recipe).run().reason == ""
    curve = losses(tmp_path)
    assert len(curve) == 12
    assert sum(curve[-3:]) < 0.9 * sum(curve[:3])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_stops_and_continues_bit_for_bit(tmp_path, precision):
    recipe = tiny_recipe(**{"steps": 5, "precision": precision, "accumulation": 2})
    whole = make_trainer(tmp_path / "whole", recipe)
    assert whole.run().step == 5
    first = make_trainer(tmp_path / "parts", recipe, stop=StopAfter(2))
    assert first.run().reason == "enough"
    second = make_trainer(tmp_path / "parts", recipe)
    assert second.resume()
    assert second.run().step == 5
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")
    for mine, other in (
        (whole.learner.network.state_dict(), second.learner.network.state_dict()),
        (whole.learner.weights, second.learner.weights),
    ):
        assert all(torch.equal(tensor, other[name]) for name, tensor in mine.items())


def test_what_was_written_after_the_checkpoint_is_written_again(tmp_path):
    recipe = tiny_recipe(**{"steps": 5, "saving.every": 2})
    trainer = make_trainer(tmp_path, recipe)
    trainer.run()
    before = losses(tmp_path)
    checkpoint_path(trainer.checkpoint_folder, LAST).unlink()  # as if killed in the last step: previous is at step 4
    again = make_trainer(tmp_path, recipe)
    assert again.resume()
    assert again.step == 4
    again.run()
    assert losses(tmp_path) == before


def test_a_new_folder_has_nothing_to_resume(tmp_path):
    assert not make_trainer(tmp_path, tiny_recipe()).resume()


def test_the_best_weights_become_the_model(tmp_path):
    recipe = tiny_recipe(**{"validation.every": 2, "validation.subjects": 1})
    trainer = make_trainer(tmp_path, recipe, validation=Validation([box_subject(("T1",))], recipe))
    trainer.run()
    state = load_checkpoint(checkpoint_path(trainer.checkpoint_folder, BEST))
    assert state["step"] == trainer.early_stop.best_step
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert any("validation/seg/mean Dice" in row for row in rows)
    assert (tmp_path / "pictures" / "step-00000002.png").stat().st_size > 1000
    info = export_weights(trainer.checkpoint_folder, recipe, tmp_path / "model")
    assert load_network(tmp_path / "model").config == recipe.network.config()
    assert info.provenance["step"] == str(state["step"])


def test_validations_do_not_change_the_run(tmp_path):
    plain, tried = tiny_recipe(), tiny_recipe(**{"validation.every": 1, "validation.subjects": 1})
    make_trainer(tmp_path / "plain", plain).run()
    make_trainer(tmp_path / "tried", tried, validation=Validation([box_subject()], tried)).run()
    assert losses(tmp_path / "plain") == losses(tmp_path / "tried")


def test_it_stops_early(tmp_path):
    recipe = tiny_recipe(
        **{"steps": 20, "validation.every": 1, "validation.patience": 1, "optimizer.learning_rate": 0.9}
    )
    trainer = make_trainer(tmp_path, recipe, validation=Validation([box_subject()], recipe))
    outcome = trainer.run()
    assert outcome.step < 20
    assert "no better validation" in outcome.reason


def test_steps_that_are_not_finite_are_skipped_then_rolled_back_then_end_the_run(tmp_path, monkeypatch):
    recipe = tiny_recipe(**{"steps": 40, "saving.every": 2})
    bad_from = [4]
    true_sum = learner_module.weighted_sum

    def spoil(terms, options):
        total = true_sum(terms, options)
        return total * float("nan") if trainer.step >= bad_from[0] else total

    monkeypatch.setattr(learner_module, "weighted_sum", spoil)
    trainer = make_trainer(tmp_path, recipe)
    with pytest.raises(NotFiniteRunError, match="not finite"):
        trainer.run()
    state = load_checkpoint(checkpoint_path(trainer.checkpoint_folder, LAST))
    assert state["step"] <= 12
    assert all(torch.isfinite(tensor).all() for tensor in state["learner"]["network"].values())
    bad_from[0] = 10**9
    again = make_trainer(tmp_path, recipe, stop=StopAfter(2))
    assert again.resume()
    assert again.guard.rate_factor < 1
    again.run()
    assert json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])["loss"] > 0


def test_frozen_backbones_stay(tmp_path):
    recipe = tiny_recipe(**{"start.freeze_backbone": True, "steps": 2})
    before = initial_network(recipe).state_dict()
    trainer = make_trainer(tmp_path, recipe)
    trainer.run()
    after = trainer.learner.network.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert {name for name in before if name.startswith("backbone.")} <= same
    assert "head.final_conv_T1.weight" not in same


@pytest.mark.skipif(sys.platform == "win32", reason="there, the lock keeps the folder from being deleted")
@pytest.mark.parametrize("when", ["between steps", "before saving"])
def test_a_run_whose_folder_is_deleted_ends_and_makes_nothing_again(tmp_path, monkeypatch, when):
    folder, recipe = tmp_path / "run", tiny_recipe(**{"saving.every": 1})
    save = Trainer.save

    def delete_and_save(trainer):
        if when == "before saving":
            shutil.rmtree(folder)
        save(trainer)

    class Deleter(StopSignal):
        @property
        def requested(self):
            if when == "between steps":
                shutil.rmtree(folder, ignore_errors=True)

    monkeypatch.setattr(Trainer, "save", delete_and_save)
    with (
        pytest.raises(FileAccessError, match="the folder of the run was deleted"),
        RunFolder.create(folder, "abc", recipe.steps) as run,
    ):
        make_trainer(folder, recipe, run=run, stop=Deleter()).run()
    assert not folder.exists()
