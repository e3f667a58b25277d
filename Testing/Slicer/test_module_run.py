"""From Apply to the results, and everything that can be pressed meanwhile."""

import time

import module_bed
import pytest
import qt
import slicer
from BrainFMLib import Layouts
from BrainFMLib.ResultSet import ResultSet
from module_panel import folder, panel, setup  # noqa: F401

pytestmark = pytest.mark.gui


def test_apply_brings_results(panel):  # noqa: F811
    volume = module_bed.head("Case 1")
    outcome = panel.run(volume)
    assert outcome.state == "done"
    found = ResultSet.of(volume)
    assert {"T1w", "dseg", "lp", "pialLeft", "corrected", "atlas", "toAtlasWarp", "volumes", "qc"} <= set(found.kinds())
    assert found.get("T1w").GetName() == "Case 1_T1w"
    assert panel.set == found
    assert not panel.ui.resultsCollapsibleButton.collapsed
    assert panel.ui.applyButton.text == "Apply" and panel.ui.applyButton.enabled
    assert Layouts.currentLayout() == "Contrasts"
    assert not panel.notice


def test_results_are_seen_in_the_panel(panel):  # noqa: F811
    panel.run(module_bed.head())
    table = panel.ui.volumesTable
    assert table.item(0, 0).text() == "Intracranial-Total"
    assert table.rowCount == 10
    assert "Please check" in panel.ui.qcLabel.text and "field of view cuts the brain" in panel.ui.qcLabel.text
    header = [table.horizontalHeaderItem(column).text() for column in range(3)]
    assert header == ["Structure", "Volume (ml)", "QC"]


def test_progress_is_told_and_apply_becomes_cancel(panel):  # noqa: F811
    panel.behave("--seconds", 1.5, "slow-progress")
    told = []
    panel.choose(module_bed.head())
    panel.apply()
    assert panel.ui.applyButton.text == "Cancel"
    assert not panel.ui.tasksCollapsibleButton.enabled and not panel.ui.inputSelector.enabled
    while panel.module.controller.busy:
        panel.pump(timeout_s=0.05)
        told.append((panel.ui.progressBar.value, panel.ui.progressLabel.text))
    values = [value for value, _text in told]
    assert values == sorted(values)
    assert len(set(values)) > 4
    assert any("%" in text and "·" in text for _value, text in told)
    assert not module_bed.shown(panel.ui.progressFrame)


def test_time_left_is_told(panel, monkeypatch):  # noqa: F811
    from BrainFMLib import Progress

    monkeypatch.setattr(Progress, "_MIN_ELAPSED_S", 0.2)
    panel.behave("--seconds", 2.5, "slow-progress")
    panel.choose(module_bed.head())
    panel.apply()
    panel.until(lambda: "left" in panel.ui.progressLabel.text)
    panel.wait()


def test_a_double_press_is_one_run(panel):  # noqa: F811
    panel.behave("--seconds", 1.0, "slow-progress")
    panel.choose(module_bed.head())
    panel.apply()
    module_bed.press(panel.ui.applyButton)
    panel.pump(timeout_s=0.2)
    module_bed.press(panel.ui.applyButton)
    assert panel.wait().state == "done"
    assert len(ResultSet.all(slicer.mrmlScene)) == 1


@pytest.mark.parametrize("code", ["Key_Return", "Key_Enter", "Key_Space"])
def test_keys_on_the_button_make_one_run(panel, code):  # noqa: F811
    panel.behave("--seconds", 0.8, "slow-progress")
    panel.choose(module_bed.head())
    panel.ui.applyButton.setFocus()
    panel.apply()
    for _ in range(3):
        module_bed.key(panel.ui.applyButton, getattr(qt.Qt, code))
    assert panel.wait().state == "done"
    assert len(ResultSet.all(slicer.mrmlScene)) == 1


@pytest.mark.parametrize("behaviour", ["hang", "ignore-term", "flood", "grandchild"])
def test_cancel_ends_it_within_two_seconds(panel, behaviour, tmp_path):  # noqa: F811
    pids = tmp_path / "pids"
    panel.behave("--pids", pids, "--megabytes", 200, behaviour)
    panel.choose(module_bed.head())
    before = module_bed.nodes()
    panel.apply()
    panel.until(lambda: panel.logic.prediction is not None and panel.logic.prediction.state == "running")
    panel.pump(timeout_s=1.2)
    start = time.perf_counter()
    module_bed.press(panel.ui.applyButton)
    outcome = panel.wait(6)
    assert time.perf_counter() - start < 4.0  # the promise is 2 s; the machine may be busy
    assert outcome.state == "cancelled"
    assert "Nothing was changed" in panel.notice
    assert module_bed.nodes() == before
    assert panel.ui.applyButton.text == "Apply" and panel.ui.applyButton.enabled
    panel.until(lambda: not module_bed.run_folders())


def test_cancel_while_results_come_in(panel):  # noqa: F811
    panel.choose(module_bed.head())
    before = module_bed.nodes()
    panel.apply()
    panel.until(lambda: panel.logic.prediction is not None and panel.logic.prediction.state == "importing")
    panel.logic.cancel()
    assert panel.wait().state == "cancelled"
    assert module_bed.nodes() == before
    assert not ResultSet.all(slicer.mrmlScene)


def test_running_again_updates_or_makes_new(panel):  # noqa: F811
    volume = module_bed.head()
    panel.run(volume)
    first = panel.set.get("T1w").GetID()
    panel.run()
    assert len(ResultSet.allOf(volume)) == 1 and panel.set.get("T1w").GetID() == first
    panel.ui.modeComboBox.setCurrentIndex(1)
    panel.ui.modeComboBox.activated.emit(1)
    panel.run()
    assert len(ResultSet.allOf(volume)) == 2
    assert panel.ui.resultSelector.count == 2 and module_bed.shown(panel.ui.resultSelector)


def test_only_what_is_ticked_is_asked_for(panel):  # noqa: F811
    panel.choose(module_bed.head())
    panel.ui.contrastsCheckBox.checked = False
    panel.ui.flipCheckBox.checked = True
    panel.module.parameters.device = "cpu"
    arguments = panel.module.request().arguments(["a.nrrd"], "out")
    options = dict(zip(arguments, arguments[1:], strict=False))
    assert options["--tasks"] == "seg,distance,bias,registration"
    assert options["--device"] == "cpu" and "--tta" in arguments and "--uncompressed" in arguments
    assert options["--grid"] == "native" and options["--model"] == "compact"


def test_the_log_shows_what_the_engine_says(panel):  # noqa: F811
    panel.behave("garbage")
    panel.run(module_bed.head())
    assert panel.module.log.text()
    module_bed.press(panel.ui.logCopyButton)
    assert qt.QApplication.clipboard().text() == panel.module.log.text()
