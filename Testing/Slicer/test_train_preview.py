"""The preview of BrainFMTrain: samples from a worker that stays; what goes wrong is told, and it goes on."""

import os
import shutil
import signal

import module_bed
import numpy as np
import pytest
import slicer
from BrainFMTrainLib import PreviewParameters, SampleViews
from train_panel import QUICK_S, SLOW_S, trainer  # noqa: F401

pytestmark = pytest.mark.gui


def generate(trainer, timeout_s=QUICK_S):  # noqa: F811
    module_bed.press(trainer.ui.generateButton)
    finish(trainer, timeout_s)


def finish(trainer, timeout_s=QUICK_S):  # noqa: F811
    preview = trainer.module.preview
    trainer.until(lambda: preview.requests.busy or bool(trainer.notice))
    trainer.until(lambda: not preview.requests.busy and not preview.display.busy, timeout_s)


def samples():
    nodes = (SampleViews.sampleNode(index) for index in range(8))
    return [node for node in nodes if node is not None]


def values():
    """The samples of the stand-in hold nothing but a number that follows from the seed."""
    return [float(slicer.util.arrayFromVolume(node).max()) for node in samples()]


def asked(trainer):  # noqa: F811
    """Keep what the worker is sent."""
    worker, sent = trainer.module.preview.worker, []
    original = worker.ask

    def ask(request, device="auto"):
        sent.append(request)
        original(request, device)

    worker.ask = ask
    return sent


def test_the_stage_takes_no_place_when_nothing_is_made(trainer):  # noqa: F811
    label = trainer.ui.previewLabel
    assert not module_bed.shown(label)
    module_bed.press(trainer.ui.generateButton)
    trainer.until(lambda: module_bed.shown(label) and bool(label.text))
    finish(trainer)
    assert not module_bed.shown(label) and module_bed.shown(trainer.ui.generateButton)


def test_the_worker_stays_and_volumes_are_used_again(trainer):  # noqa: F811
    generate(trainer)
    engine, first = trainer.module.preview.worker._engine, samples()[0]
    assert first.GetName() == "Sample 1, severity 0.25" and len(samples()) == 4
    trainer.ui.severitySlider.value = 0.75
    generate(trainer)
    assert trainer.module.preview.worker._engine is engine and samples()[0] is first and len(samples()) == 4
    assert "severity 0.75" in first.GetName()


def test_generate_draws_another_seed_unless_it_is_locked(trainer):  # noqa: F811
    ui, sent = trainer.ui, asked(trainer)
    generate(trainer)
    generate(trainer)
    drawn = [request["seed"] for request in sent]
    assert len(set(drawn)) == 2 and ui.previewSeedSpinBox.value == drawn[1]
    module_bed.press(ui.seedLockButton)
    generate(trainer)
    before = [slicer.util.arrayFromVolume(node).copy() for node in samples()]
    generate(trainer)
    assert [request["seed"] for request in sent[2:]] == [drawn[1]] * 2
    again = [slicer.util.arrayFromVolume(node) for node in samples()]
    assert all(np.array_equal(*pair) for pair in zip(before, again, strict=True))
    module_bed.press(ui.newSeedButton)
    finish(trainer)
    assert sent[-1]["seed"] == ui.previewSeedSpinBox.value != drawn[1]


def test_a_seed_that_is_written_is_kept(trainer):  # noqa: F811
    sent = asked(trainer)
    trainer.ui.previewSeedSpinBox.value = 77
    assert trainer.ui.seedLockButton.checked
    generate(trainer)
    assert sent[-1]["seed"] == 77


def test_presets_and_the_slider_say_the_severity(trainer):  # noqa: F811
    ui, preview = trainer.ui, trainer.module.preview
    assert preview.request()["severity"] == "mild-to-severe"
    for button, name in (
        (ui.cleanButton, "clean"),
        (ui.mildButton, "mild"),
        (ui.mediumButton, "medium"),
        (ui.severeButton, "severe"),
    ):
        module_bed.press(button)
        assert preview.request()["severity"] == name and button.checked and not ui.mildToSevereCheckBox.checked
    ui.severitySlider.value = 0.4
    assert preview.request()["severity"] == 0.4 and not ui.severeButton.checked
    ui.mildToSevereCheckBox.checked = True
    assert preview.request()["severity"] == "mild-to-severe"


def test_moving_the_slider_makes_shown_samples_anew_and_the_newest_wins(trainer):  # noqa: F811
    ui, sent = trainer.ui, asked(trainer)
    ui.severitySlider.value = 0.1
    trainer.pump(timeout_s=0.3)
    assert not sent  # nothing is shown yet
    generate(trainer)
    seed = sent[-1]["seed"]
    for value in (0.2, 0.3, 0.4, 0.5, 0.6):
        ui.severitySlider.value = value
    finish(trainer)
    assert [(request["severity"], request["seed"]) for request in sent[1:]] == [(0.6, seed)]
    assert {node.GetName()[-4:] for node in samples()} == {"0.60"}


def test_of_many_generates_the_last_wins(trainer):  # noqa: F811
    sent = asked(trainer)
    for _press in range(10):
        module_bed.press(trainer.ui.generateButton)
        trainer.pump(timeout_s=0.01)
    finish(trainer)
    assert sent[-1]["seed"] == trainer.ui.previewSeedSpinBox.value
    assert values() == [sent[-1]["seed"] % 5 + 1] * 4 and not trainer.notice


def test_what_happens_to_the_form_after_the_end_is_not_kept(trainer):  # noqa: F811
    trainer.ui.samplesSpinBox.value = 3
    trainer.widget.cleanup()
    kept = PreviewParameters.recall()
    assert kept["samples"] == 3
    trainer.ui.samplesSpinBox.value = 7
    trainer.pump(timeout_s=0.8)
    assert PreviewParameters.recall() == kept


def test_an_export_is_told_though_samples_are_asked_for_after_it(trainer, tmp_path, dialogs):  # noqa: F811
    dialogs.answer(str(tmp_path))
    module_bed.press(trainer.ui.exportButton)
    module_bed.press(trainer.ui.generateButton)
    trainer.until(lambda: "The samples are in" in trainer.notice)
    finish(trainer)
    assert len(samples()) == 4


def test_a_worker_that_dies_is_told_and_started_again(trainer):  # noqa: F811
    trainer.behave("--crash")
    generate(trainer)
    trainer.until(lambda: bool(trainer.notice))
    trainer.behave()
    generate(trainer)
    assert len(samples()) == 4


def test_a_worker_that_is_killed_while_it_waits_is_told_and_started_again(trainer):  # noqa: F811
    generate(trainer)
    pid = int(trainer.module.preview.worker._engine._run.process.processId())
    os.kill(pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    trainer.until(lambda: bool(trainer.notice))
    generate(trainer)
    assert not trainer.notice and len(samples()) == 4


def test_a_folder_that_was_deleted_is_made_again(trainer):  # noqa: F811
    generate(trainer)
    shutil.rmtree(trainer.module.preview.worker.folder())
    generate(trainer)
    assert not trainer.notice and len(samples()) == 4


def test_no_place_for_files_is_told(trainer, tmp_path, monkeypatch):  # noqa: F811
    import tempfile

    def full(**_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    generate(trainer)
    trainer.until(lambda: bool(trainer.notice))
    assert "No space left on device" in trainer.notice
    monkeypatch.undo()
    generate(trainer)
    assert not trainer.notice and len(samples()) == 4


def test_samples_that_are_gone_before_they_are_read_are_told(trainer):  # noqa: F811
    display = trainer.module.preview.display
    original = trainer.module.preview.worker.onSample

    def lose(sample):
        os.remove(sample["files"]["image"])
        original(sample)

    trainer.module.preview.worker.onSample = lose
    generate(trainer)
    trainer.until(lambda: bool(trainer.notice))
    assert "cannot be read" in trainer.notice
    trainer.module.preview.worker.onSample = display.add
    generate(trainer)
    assert not trainer.notice and len(samples()) == 4


def test_a_saved_recipe_is_trained_with(trainer, tmp_path, dialogs):  # noqa: F811
    dialogs.answer(str(tmp_path / "mine"))
    module_bed.press(trainer.ui.saveRecipeButton)
    trainer.until(lambda: "The recipe is in" in trainer.notice)
    module_bed.press(trainer.ui.noticeActionButton)
    request = trainer.module.training.request()
    assert request.recipe == str(tmp_path / "mine.json") and request.seed is None
    assert trainer.module.preview.request()["recipe"] == request.recipe


def test_samples_are_exported(trainer, tmp_path, dialogs):  # noqa: F811
    dialogs.answer(str(tmp_path))
    module_bed.press(trainer.ui.exportButton)
    trainer.until(lambda: "The samples are in" in trainer.notice)
    dialogs.answer("")
    module_bed.press(trainer.ui.exportButton)
    assert not trainer.module.preview.requests.busy


def test_the_worker_ends_with_the_module(trainer):  # noqa: F811
    generate(trainer)
    worker = trainer.module.preview.worker
    folder, process = worker.folder(), worker._engine._run.process
    pid = int(process.processId())
    trainer.widget.cleanup()
    assert trainer.pump(lambda: not folder.exists(), SLOW_S)
    assert trainer.pump(lambda: not is_alive(pid), SLOW_S)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_an_export_has_the_targets_that_are_ticked_and_replaces_only_when_asked(trainer, tmp_path, dialogs):  # noqa: F811
    sent = asked(trainer)
    trainer.ui.segmentationCheckBox.checked = True
    dialogs.answer(str(tmp_path))
    module_bed.press(trainer.ui.exportButton)
    trainer.until(lambda: "The samples are in" in trainer.notice)
    assert sent[-1]["targets"] == ["segmentation"] and "overwrite" not in sent[-1]
    trainer.module.preview.worker.onProblem("it already has overview.png", "replace it with --overwrite", "")
    assert "--" not in trainer.notice and trainer.ui.noticeActionButton.text == "Replace"
    module_bed.press(trainer.ui.noticeActionButton)
    trainer.until(lambda: "The samples are in" in trainer.notice)
    assert sent[-1]["overwrite"] is True and sent[-1]["export"] == str(tmp_path)
