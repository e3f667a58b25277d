"""Two models side by side in BrainFMTrain, with a stand-in for the engine."""

import json
import sys
from pathlib import Path

import child_processes
import module_bed
import numpy as np
import pytest
import slicer
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMTrainLib import CompareNodes, CompareViews, FormerLayout
from train_panel import SLOW_S, dataset, trainer  # noqa: F401

pytestmark = pytest.mark.gui
WORKER = Path(__file__).parent / "workers" / "compare_worker.py"
VIEWS = [CompareViews.viewName(row, column) for row in (0, 1) for column in (0, 1, 2)]


class Comparison:
    """The section "Compare", driven as a user does it."""

    def __init__(self, trainer):  # noqa: F811
        self.trainer, self.ui, self.panel = trainer, trainer.ui, trainer.module.compare
        self.behave()

    def behave(self, *options):
        """Let the stand-in behave as told."""
        command = [sys.executable, str(WORKER), *options]
        self.panel.run.makeEngine = lambda: EngineProcess(command)

    def choices(self, name):
        """What a box offers."""
        box = getattr(self.ui, f"compare{name}ComboBox")
        return [box.itemText(index) for index in range(box.count)]

    def choose(self, name, text):
        """Choose an entry by a part of its text."""
        titles = self.choices(name)
        getattr(self.ui, f"compare{name}ComboBox").currentIndex = next(
            index for index, title in enumerate(titles) if text in title
        )

    def press(self):
        """Compare, and wait until it is over."""
        module_bed.press(self.ui.compareButton)
        self.trainer.until(lambda: not self.panel.run.running, SLOW_S)
        self.trainer.until(lambda: self.panel._loader is None)

    def process(self):
        """The id of the stand-in, which is running."""
        pid = int(self.panel.run._engine._run.process.processId())
        assert pid in child_processes.of_this_test()
        return pid

    def cells(self):
        """The table of scores."""
        table = self.ui.compareScoresTable
        return [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount)]


@pytest.fixture
def runs(tmp_path):
    """A folder with a run that has weights, as far as one can see from outside."""
    folder = tmp_path / "runs" / "mine" / "checkpoints"
    folder.mkdir(parents=True)
    (folder.parent / "run.json").write_text("{}")
    for name, step in (("best", 20), ("last", 30)):
        (folder / f"{name}.pt").write_bytes(b"")
        (folder / f"{name}.json").write_text(json.dumps({"step": step}))
    return folder.parents[1]


@pytest.fixture
def comparison(trainer, dataset, runs, monkeypatch):  # noqa: F811
    monkeypatch.setenv("BRAINFM_HOME", str(runs.parent / "home"))
    trainer.choose(dataset, runs)
    comparison = Comparison(trainer)
    comparison.ui.compareCollapsibleButton.collapsed = False
    trainer.until(lambda: len(comparison.choices("First")) == 3)
    trainer.until(lambda: len(comparison.choices("Subject")) == 3)
    return comparison


def composite(name):
    return slicer.app.layoutManager().sliceWidget(name).sliceLogic().GetSliceCompositeNode()


def leftovers():
    return sorted(Path(slicer.app.temporaryPath).glob("BrainFMTrain-*"))


def test_models_runs_and_held_out_subjects_are_offered(comparison):
    assert comparison.choices("First") == [
        "BrainFM compact",
        "mine: best weights, step 20",
        "mine: last weights, step 30",
    ]
    assert comparison.ui.compareFirstComboBox.currentIndex != comparison.ui.compareSecondComboBox.currentIndex
    assert (
        comparison.choices("Subject")[0] == "carla (validation)"
        and "was trained on" in comparison.choices("Subject")[1]
    )
    assert comparison.choices("Input")[:2] == ["its T1 scan", "painted like T1"]
    assert comparison.ui.compareButton.enabled and comparison.ui.compareResultFrame.isHidden()
    comparison.choose("Second", "compact")
    assert not comparison.ui.compareButton.enabled and "two different" in comparison.ui.compareStatusLabel.text
    request = comparison.panel.form.request()
    assert request.given == "real T1" and request.subject == "carla"


def test_both_models_stand_beside_the_reference(comparison):
    before = module_bed.nodes()
    comparison.choose("Second", "best weights")
    comparison.press()
    assert not comparison.trainer.notice
    assert set(VIEWS) <= set(slicer.app.layoutManager().sliceViewNames()) and CompareViews.isShown()
    image = CompareNodes.nodeOf("", CompareNodes.IMAGE)
    for name, column in zip(VIEWS, ("first", "second", "reference") * 2, strict=True):
        node, shown = composite(name), CompareNodes.nodeOf(column, "T1w")
        assert node.GetLinkedControl() and node.GetHotLinkedControl()
        isUpper = name in VIEWS[:3]
        assert node.GetBackgroundVolumeID() == (image if isUpper else shown).GetID()
        labels = CompareNodes.nodeOf(column, "dseg").GetID() if isUpper else None
        assert (node.GetLabelVolumeID() or None) == labels
    windows = {CompareNodes.nodeOf(column, "T1w").GetDisplayNode().GetWindow() for column in ("first", "second")}
    assert len(windows) == 1
    matrix = slicer.util.vtkMatrixFromArray(np.eye(4))
    image.GetIJKToRASMatrix(matrix)
    assert [matrix.GetElement(row, 3) for row in range(3)] == [5, 6, 7]
    view = slicer.app.layoutManager().sliceWidget(VIEWS[0]).mrmlSliceNode()
    assert view.GetLayoutLabel() == "BrainFM compact"
    assert abs(view.GetSliceToRAS().GetElement(2, 3) - 9) <= 2  # where there are labels
    assert module_bed.nodes() > before


def test_scores_stand_side_by_side_and_the_better_one_is_bold(comparison):
    comparison.press()
    assert comparison.cells() == [
        ["Anatomy: mean Dice", "0.500", "0.750", "+0.250"],
        ["Cortex: mean error nearby (mm)", "0.250", "1.000", "+0.750"],
        ["Bias field: error", "–", "0.100", "–"],
    ]
    table = comparison.ui.compareScoresTable
    assert [[table.item(row, column).font().bold() for column in (1, 2)] for row in (0, 1)] == [
        [False, True],
        [True, False],
    ]
    comparison.ui.compareAllCheckBox.checked = True
    assert comparison.cells()[0][0] == "Anatomy: Dice Left-Thalamus" and len(comparison.cells()) == 4
    assert "small" in comparison.ui.compareStatusLabel.text


def test_another_map_or_orientation_comes_from_the_same_run(comparison):
    comparison.press()
    comparison.choose("Shown", "lp")
    comparison.choose("Orientation", "Coronal")
    comparison.trainer.until(lambda: composite(VIEWS[3]).GetForegroundVolumeID() is not None)
    lower = composite(VIEWS[3])
    assert lower.GetForegroundVolumeID() == CompareNodes.nodeOf("first", "lp").GetID()
    assert lower.GetBackgroundVolumeID() == CompareNodes.nodeOf("", CompareNodes.IMAGE).GetID()
    assert CompareNodes.nodeOf("first", "T1w") is None  # what is not seen takes no memory
    view = slicer.app.layoutManager().sliceWidget(VIEWS[0]).mrmlSliceNode()
    assert view.GetOrientation() == "Coronal"


def test_without_a_reference_the_given_image_stands_there(comparison):
    comparison.behave("--alone")
    comparison.press()
    assert composite(VIEWS[5]).GetBackgroundVolumeID() == CompareNodes.nodeOf("", CompareNodes.IMAGE).GetID()
    view = slicer.app.layoutManager().sliceWidget(VIEWS[5]).mrmlSliceNode()
    assert view.GetLayoutLabel() == "Given image" and comparison.cells() == []


def test_nothing_stays_behind(comparison):
    """Closing gives layout and scene back; so does the next comparison, which uses no node of the one before."""
    layout, before = FormerLayout.layoutNode(), module_bed.nodes()
    arrangement = layout.GetViewArrangement()
    comparison.press()
    first = {node.GetID() for node in CompareNodes.nodes()}
    assert all(node.GetHideFromEditors() and not node.GetSaveWithScene() for node in CompareNodes.nodes())
    comparison.press()
    assert len(CompareNodes.nodes()) == len(first) and len(leftovers()) == 1
    module_bed.press(comparison.ui.compareCloseButton)
    assert module_bed.nodes() == before and not leftovers()
    assert layout.GetViewArrangement() == arrangement and comparison.ui.compareResultFrame.isHidden()
    comparison.press()
    comparison.trainer.module.exit()
    assert layout.GetViewArrangement() == arrangement
    comparison.trainer.widget.cleanup()
    assert module_bed.nodes() == before and not leftovers()


def test_what_is_kept_is_the_users(comparison):
    comparison.press()
    module_bed.press(comparison.ui.compareKeepButton)
    kept = slicer.util.getNodes("carla T1w*")
    assert len(kept) == 3 and all(node.GetSaveWithScene() and not node.GetHideFromEditors() for node in kept.values())
    module_bed.press(comparison.ui.compareCloseButton)
    assert len(slicer.util.getNodes("carla T1w*")) == 3


def test_a_closed_scene_is_filled_again(comparison):
    comparison.press()
    slicer.mrmlScene.Clear(0)
    assert not CompareNodes.nodes()
    module_bed.press(comparison.ui.compareShowButton)
    comparison.trainer.until(lambda: CompareViews.isShown() and len(CompareNodes.nodes()) > 6)


@pytest.mark.parametrize("behaviour", ["--slow", "--deaf"])
def test_cancel_ends_the_process_and_leaves_nothing(comparison, behaviour):
    before = module_bed.nodes()
    comparison.behave(behaviour)
    module_bed.press(comparison.ui.compareButton)
    comparison.trainer.until(lambda: "First model" in comparison.ui.compareStatusLabel.text)
    assert comparison.ui.compareButton.text == "Cancel" and not comparison.ui.compareFirstComboBox.enabled
    pid = comparison.process()
    module_bed.press(comparison.ui.compareButton)
    comparison.trainer.until(lambda: not comparison.panel.run.running, SLOW_S)
    assert "Cancelled" in comparison.ui.compareStatusLabel.text and not comparison.trainer.notice
    assert module_bed.nodes() == before and not leftovers()
    assert comparison.trainer.pump(lambda: pid not in child_processes.of_this_test(), SLOW_S)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [("--fail", "nna.npz is damaged"), ("--crash", "did not say why"), ("--damaged", "cut short")],
)
def test_what_goes_wrong_is_told_in_words(comparison, behaviour, words):
    comparison.behave(behaviour)
    comparison.press()
    assert words in comparison.trainer.notice, comparison.trainer.notice
    comparison.behave()
    comparison.press()
    assert CompareViews.isShown()


def test_it_ends_with_the_module(comparison):
    comparison.behave("--deaf")
    module_bed.press(comparison.ui.compareButton)
    comparison.trainer.until(lambda: "First model" in comparison.ui.compareStatusLabel.text)
    pid = comparison.process()
    comparison.trainer.widget.cleanup()
    assert comparison.trainer.pump(lambda: pid not in child_processes.of_this_test(), SLOW_S) and not leftovers()
