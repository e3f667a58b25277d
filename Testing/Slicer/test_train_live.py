"""What a user sees of trainings that go on: curves, several runs, pictures, what the machine does."""

import json
import shutil

import module_bed
import pytest
import qt
import slicer
import vtk
from BrainFMTrainLib import CompareViews, TrainingViews
from BrainFMTrainLib.RunChart import ATTRIBUTE, MOST_CURVES, MOST_POINTS
from train_panel import dataset, trainer  # noqa: F401

pytestmark = pytest.mark.gui


def series(role: str) -> list:
    """Series nodes of a chart."""
    scene = slicer.mrmlScene
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode")):
        chart = scene.GetNthNodeByClass(index, "vtkMRMLPlotChartNode")
        if chart.GetAttribute(ATTRIBUTE) == f"{role} chart":
            return [chart.GetNthPlotSeriesNode(number) for number in range(chart.GetNumberOfPlotSeriesNodes())]
    return []


def names(role: str) -> list[str]:
    return [node.GetName() for node in series(role)]


def tick(widget_list, title: str, checked: bool) -> None:
    """Click on the tick of a curve."""
    item = next(widget_list.item(row) for row in range(widget_list.count) if widget_list.item(row).text() == title)
    item.setCheckState(qt.Qt.Checked if checked else qt.Qt.Unchecked)


def tick_run(trainer, name: str, checked: bool = True) -> None:  # noqa: F811
    table = trainer.ui.runsTable
    item = next(table.item(row, 0) for row in range(table.rowCount) if table.item(row, 0).text() == name)
    item.setCheckState(qt.Qt.Checked if checked else qt.Qt.Unchecked)


@pytest.fixture
def run(trainer, dataset, tmp_path):  # noqa: F811
    """A run of 60 steps that has ended, selected; its plots are there."""
    trainer.behave("--delay", 0.001)
    trainer.choose(dataset, tmp_path / "runs", steps=60)
    trainer.start()
    assert trainer.ended() == "finished"
    trainer.wait_for_step(60)
    trainer.until(lambda: len(names("losses")) == 4 and len(names("scores")) == 2)
    trainer.until(lambda: trainer.ui.plotButton.enabled)  # at the next look; a press before it does nothing
    return tmp_path / "runs" / "run"


def copies(run, *new_names: str) -> None:
    """More runs of the same steps."""
    for name in new_names:
        shutil.copytree(run, run.parent / name)


def test_losses_and_scores_have_a_view_each(trainer, run):  # noqa: F811
    module_bed.press(trainer.ui.plotButton)
    assert names("scores") == ["segmentation: mean Dice", "T1w: SSIM in brain"]
    manager = slicer.app.layoutManager()
    assert manager.layout == TrainingViews.PLOTS and not CompareViews.isShown()
    table = series("scores")[0].GetTableNode().GetTable()
    assert [table.GetValue(row, 0).ToDouble() for row in range(6)] == [10, 20, 30, 40, 50, 60]
    widgets = [manager.plotWidget(index) for index in range(manager.plotViewCount)]
    views = {widget.mrmlPlotViewNode().GetLayoutName(): widget.mrmlPlotViewNode() for widget in widgets}
    charts = [views[name].GetPlotChartNode() for name in (TrainingViews.LOSSES_VIEW, TrainingViews.SCORES_VIEW)]
    assert [chart.GetYAxisTitle() for chart in charts] == ["loss", "score"]
    assert views[TrainingViews.LOSSES_VIEW].GetPlotChartNode().GetNthPlotSeriesNode(0).GetName() == "total"
    drawn = {w.mrmlPlotViewNode().GetLayoutName(): w.plotView().chart() for w in widgets}[TrainingViews.LOSSES_VIEW]
    trainer.until(lambda: drawn.GetNumberOfPlots() == 4)
    slicer.mrmlScene.Clear(0)
    trainer.until(lambda: views[TrainingViews.LOSSES_VIEW].GetPlotChartNode() is not None)


def test_no_curve_ends_below_the_legend(trainer, run):  # noqa: F811
    """The axis goes on beyond the last step, as far as the longest title needs; a range of the user's own stays."""
    module_bed.press(trainer.ui.plotButton)
    nodes = slicer.util.getNodesByClass("vtkMRMLPlotChartNode")
    losses = next(node for node in nodes if node.GetAttribute(ATTRIBUTE) == "losses chart")
    trainer.until(lambda: losses.GetXAxisRange()[1] > 70)
    first, end = losses.GetXAxisRange()
    assert not losses.GetXAxisRangeAuto() and first == 1 and 70 < end < 110
    manager = slicer.app.layoutManager()
    widgets = [manager.plotWidget(index) for index in range(manager.plotViewCount)]
    chart = next(w for w in widgets if w.mrmlPlotViewNode().GetPlotChartNode() is losses).plotView().chart()
    axis, legend = chart.GetAxis(vtk.vtkAxis.BOTTOM), chart.GetLegend()
    trainer.until(lambda: axis.GetMaximum() == end and chart.GetNumberOfPlots() == 4)
    left, right = axis.GetPoint1()[0], axis.GetPoint2()[0]
    lastStep = left + (60 - first) / (end - first) * (right - left)
    assert lastStep < right - 60 and legend.GetLabelProperties().GetFontSize() == losses.GetLegendFontSize()
    losses.SetXAxisRange(20, 30)
    trainer.ui.smoothingSpinBox.value = 3
    assert losses.GetXAxisRange() == (20, 30)
    losses.SetXAxisRangeAuto(True)
    trainer.ui.smoothingSpinBox.value = 0
    assert losses.GetXAxisRange() == (first, end)


def test_the_user_chooses_curves_and_how_they_look_and_that_is_remembered(trainer, run, open_module):  # noqa: F811
    chart = series("losses")[0].GetScene().GetFirstNodeByClass("vtkMRMLPlotChartNode")
    assert chart.GetYAxisLogScale() and trainer.ui.logScaleCheckBox.checked
    trainer.ui.logScaleCheckBox.checked = False
    assert not chart.GetYAxisLogScale()
    tick(trainer.ui.lossesList, "T1w", False)
    tick(trainer.ui.scoresList, "T1w: SSIM in brain", False)
    assert names("losses") == ["total", "total, validation", "segmentation, Dice"]
    assert names("scores") == ["segmentation: mean Dice"]
    column = lambda: [series("losses")[0].GetTableNode().GetTable().GetValue(row, 1).ToDouble() for row in range(60)]  # noqa: E731
    trainer.ui.smoothingSpinBox.value = 0
    raw = column()
    trainer.ui.smoothingSpinBox.value = 20
    assert max(column()) - min(column()) < max(raw) - min(raw)
    trainer.widget.cleanup()
    from BrainFMTrainLib.Widget import TrainWidget

    again = trainer.widget.module = trainer.module = TrainWidget(trainer.ui)
    assert trainer.ui.smoothingSpinBox.value == 20 and not trainer.ui.logScaleCheckBox.checked
    again.section.follow(run)
    trainer.until(lambda: names("losses") == ["total", "total, validation", "segmentation, Dice"])


def test_ticked_runs_lie_over_the_selected_one_in_colours_of_their_own(trainer, run):  # noqa: F811
    copies(run, "second", "third")
    trainer.until(lambda: set(trainer.states()) == {"run", "second", "third"})
    single = {node.GetName(): node.GetColor() for node in series("losses")}
    assert len(set(single.values())) == 4, "of one run each curve has its own colour"
    tick_run(trainer, "second")
    tick_run(trainer, "third")
    trainer.until(lambda: len(names("losses")) == 6)
    assert names("losses")[:2] == ["run: total", "run: total, validation"]
    colors = {}
    for node in series("losses"):
        colors.setdefault(node.GetName().split(":")[0], set()).add(node.GetColor())
    assert all(len(of_run) == 1 for of_run in colors.values()) and len(set.union(*colors.values())) == 3
    assert len({node.GetLineStyle() for node in series("losses")}) == 2
    table = trainer.ui.runsTable
    assert not any(table.item(row, 0).icon().isNull() for row in range(3))
    tick_run(trainer, "second", False)
    tick_run(trainer, "third", False)
    trainer.until(lambda: len(names("losses")) == 4)


def test_many_runs_and_curves_are_drawn_at_a_bounded_cost(trainer, run):  # noqa: F811
    log = run / "log.jsonl"
    log.write_text(
        "".join(
            json.dumps({"step": n, "loss": 1.0, **{f"term {k}": 1.0 for k in range(30)}}) + "\n" for n in range(1, 3001)
        )
    )
    copies(run, *(f"copy {number}" for number in range(5)))
    trainer.until(lambda: len(trainer.states()) == 6)
    for number in range(5):
        tick_run(trainer, f"copy {number}")
    trainer.until(lambda: len(names("losses")) == 12)
    for number in range(30):
        tick(trainer.ui.lossesList, f"term {number}", True)
    trainer.until(lambda: len(series("losses")) == MOST_CURVES)
    table = series("losses")[0].GetTableNode().GetTable()
    assert table.GetNumberOfRows() * MOST_CURVES <= MOST_POINTS


def test_the_picture_of_the_last_validation_is_in_the_panel_and_in_a_view(trainer, dataset, tmp_path, dialogs):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs", steps=2000)
    assert not trainer.ui.picturesButton.enabled
    trainer.start()
    trainer.until(lambda: trainer.ui.picturesButton.enabled, 30)
    layout = slicer.app.layoutManager().layout
    module_bed.press(trainer.ui.picturesButton)
    volumes = lambda: slicer.util.getNodesByClass("vtkMRMLVectorVolumeNode")  # noqa: E731
    (volume,) = volumes()
    composite = slicer.app.layoutManager().sliceWidget(TrainingViews.PICTURE_VIEW).mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == volume.GetID() and not volume.GetSaveWithScene()
    first, name = slicer.util.arrayFromVolume(volume).max(), volume.GetName()
    assert slicer.util.arrayFromVolume(volume).shape == (1, 32, 64, 3)
    trainer.until(lambda: volume.GetName() != name)
    assert volumes() == [volume] and slicer.util.arrayFromVolume(volume).max() < first
    trainer.module.exit()
    assert slicer.app.layoutManager().layout == layout


def test_a_damaged_picture_does_no_harm(trainer, run):  # noqa: F811
    (run / "pictures" / "step-99999999.png").write_bytes(b"no picture")
    trainer.pump(timeout_s=1.0)
    assert not trainer.notice


def test_the_panel_tells_rate_times_and_what_the_machine_does(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs", steps=2000)
    trainer.start()
    trainer.wait_for_step(20)
    assert "learning rate 0.0005" in trainer.ui.factsLabel.text and "left" in trainer.ui.factsLabel.text
    assert "0.02 s a step" in trainer.ui.factsLabel.text
    trainer.until(lambda: trainer.ui.resourcesLabel.text == "processor 42 % · memory 1.5 GB")
    module_bed.press(trainer.ui.stopButton)
    assert trainer.ended() == "stopped"
    trainer.until(lambda: not module_bed.shown(trainer.ui.resourcesLabel))


def test_runs_are_listed_while_another_folder_is_chosen(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs", steps=2000)
    trainer.start()
    trainer.wait_for_step(2)
    (tmp_path / "elsewhere").mkdir()
    trainer.ui.runsFolderEdit.currentPath = str(tmp_path / "elsewhere")
    trainer.until(lambda: trainer.states() == {"run": "running"})
