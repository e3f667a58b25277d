"""Follow docs/tutorials/train-a-network.md in the test bed, with the real engine, and take its pictures on the way.

    BRAINFM_PYTHON=<python with torch> python Testing/Slicer/make_train_screenshots.py WORK

WORK is a folder for the heads, the data set, the run and the models of the tutorial; what an earlier call has left
there (the predicted labels, the prepared data set) is used again. Pillow makes the files small.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
SIZE = (1300, 860)
SCAN = ROOT / "Resources" / "SampleData" / "head_T1w.nii.gz"
LABELS = ROOT / "BrainFM" / "BrainFMEngine" / "anatomy" / "sample_head" / "synthseg_13_labels.nii.gz"
HEAD, OTHER = "BrainFMHead", "synthseg_13_labels"
SECTIONS = ("preview", "data", "training", "runs", "compare")
PATIENCE_S = 1500
SEED = 7
COLOURS, MOST_BYTES = (256, 128, 64), 150_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "Resources" / "Screenshots")
    options = parser.parse_args()
    options.work = options.work.absolute()
    os.environ["BRAINFM_HOME"] = str(options.work / "home")
    shutil.rmtree(options.work / "home", ignore_errors=True)
    shutil.rmtree(options.work / "runs", ignore_errors=True)
    from harness import bed

    with bed.imports():
        bed.application()
        get_heads(options.work / "heads")
        Tutorial(bed, options).follow()


def get_heads(folder: Path) -> None:
    """Step 2 of the tutorial: a scan with labels that the bundled model finds, and the labels of another head."""
    from BrainFMLib.EngineCommand import engineCommand, engineEnvironment

    scan, labels = folder / "T1w" / f"{HEAD}.nii.gz", folder / "labels"
    for place in (scan.parent, labels):
        place.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SCAN, scan)
    shutil.copyfile(LABELS, labels / LABELS.name)
    if not (labels / scan.name).exists():
        words = ["predict", str(scan), "-o", str(folder / "predicted"), "--tasks", "seg", "--overwrite"]
        subprocess.run([*engineCommand(), *words], check=True, env={**os.environ, **engineEnvironment()})
        shutil.copyfile(folder / "predicted" / HEAD / f"{HEAD}_dseg.nii.gz", labels / scan.name)


class Tutorial:
    """The tutorial as a user follows it."""

    def __init__(self, bed, options):
        import module_bed
        import slicer

        self.bed, self.options = bed, options
        module_bed.clear_settings()
        self.window = slicer.util.mainWindow()
        self.window.resize(*SIZE)
        self.module = bed.open_module("BrainFMTrain").module
        self.ui = self.module.ui
        self.until(lambda: self.module.setup.ready, "setup")

    def follow(self) -> None:
        """Do every step."""
        self.preview()
        self.prepare()
        self.train()
        self.use()
        self.compare()
        self.bed.close_module()
        self.window.hide()

    def until(self, condition, what: str) -> None:
        """Wait for something."""
        if not self.bed.pump(condition, PATIENCE_S):
            raise SystemExit(f"{what} did not end; the panel says: {self.ui.noticeLabel.text}")

    def only(self, *names: str) -> None:
        """Fold all sections but these."""
        for name in SECTIONS:
            getattr(self.ui, f"{name}CollapsibleButton").collapsed = name not in names
        self.bed.pump(timeout_s=0.5)

    def take(self, name: str) -> None:
        """Take a picture when all is at rest."""
        from PIL import Image

        self.bed.pump(timeout_s=2.0)
        with tempfile.TemporaryDirectory() as folder:
            os.environ["SLICER_SCREENSHOTS"] = folder
            picture = Image.open(self.bed.screenshot(name)).convert("RGB")
        self.options.out.mkdir(parents=True, exist_ok=True)
        path = self.options.out / f"{name}.png"
        for colours in COLOURS:
            few = picture.quantize(colours, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
            few.save(path, optimize=True)
            if path.stat().st_size <= MOST_BYTES:
                break
        sys.stdout.write(f"{path}: {path.stat().st_size / 1000:.0f} kB\n")

    def own_views(self) -> None:
        """Go back to the usual views."""
        import slicer

        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)

    def preview(self) -> None:
        """Step 1: what the network will see; its targets stay for the picture of the running training."""
        import slicer

        ui = self.ui
        self.only("preview")
        ui.coronalCheckBox.checked = True
        ui.previewSeedSpinBox.value = SEED
        ui.generateButton.click()
        self.until(lambda: self.module.preview.worker.busy, "asking for samples")
        self.until(lambda: not self.module.preview.worker.busy, "making samples")
        self.take("train-preview")
        ui.segmentationCheckBox.checked = True
        self.bed.pump(timeout_s=1.0)
        self.until(lambda: not self.module.preview.worker.busy and not self.module.preview.display.busy, "segmenting")
        self.sample_views = slicer.app.layoutManager().layout

    def prepare(self) -> None:
        """Step 3: from a folder of heads to a data set, checked; one head is for validation."""
        ui, tiny = self.ui, self.options.work / "tiny"
        self.own_views()
        self.only("data")
        if not (tiny / "split.json").exists():
            ui.dataPrepareButton.checked = True
            ui.dataSourceEdit.currentPath = str(self.options.work / "heads")
            ui.dataOutputEdit.currentPath = str(tiny)
            self.until(lambda: ui.dataRunButton.enabled, "looking at the heads")
            ui.dataRunButton.click()
            self.until(lambda: self.module.data.prepare.preparation.running, "beginning to prepare")
            self.until(lambda: not self.module.data.prepare.preparation.running, "preparing")
            ui.dataPrepareButton.checked = False
        ui.dataFolderEdit.currentPath = str(tiny)
        self.until(lambda: ui.dataTable.rowCount == 2, "reading the data set")
        self.move(HEAD, "validation")
        ui.dataCheckButton.click()
        self.until(lambda: self.module.data.check.running, "beginning to check")
        self.until(lambda: not self.module.data.check.running, "checking")
        self.select(HEAD)
        self.until(lambda: not ui.dataPictureLabel.isHidden(), "drawing the head")
        self.take("train-data")

    def select(self, name: str) -> None:
        """Click the row of a subject."""
        table = self.ui.dataTable
        row = next(row for row in range(table.rowCount) if table.item(row, 0).text() == name)
        table.setCurrentCell(row, 0)

    def move(self, name: str, part: str) -> None:
        """Choose what a subject is for."""
        rows = self.module.data.rows
        if next(row.part for row in rows if row.name == name) != part:
            box = self.ui.dataPartComboBox
            self.select(name)
            self.until(lambda: self.ui.dataMoveButton.enabled, "selecting a subject")
            box.currentIndex = next(n for n in range(box.count) if part in box.itemText(n).lower())
            self.ui.dataMoveButton.click()
        parts = lambda: {row.name: row.part for row in self.module.data.rows}  # noqa: E731
        self.until(lambda: parts() == {HEAD: "validation", OTHER: "train"}, "editing the split")

    def train(self) -> None:
        """Steps 4 and 5: start, stop, resume; curves."""
        import slicer
        from BrainFMTrainLib.TrainerProcess import TrainerProcess

        ui = self.ui
        self.only("training", "runs")
        ui.presetComboBox.currentIndex = 2
        ui.runsFolderEdit.currentPath = str(self.options.work / "runs")
        ui.nameEdit.text = "first"
        ui.stepsEdit.text = "60"
        self.until(lambda: ui.trainingStartButton.enabled, "the form")
        ui.trainingStartButton.click()
        started, warned = (lambda: self.module.follower is not None), (lambda: not ui.noticeActionButton.isHidden())
        self.until(lambda: started() or (warned() and not ui.noticeFrame.isHidden()), "the estimate")
        if not started():
            ui.noticeActionButton.click()  # memory may be too little on a busy computer
            self.until(started, "the start of the training")
        self.until(lambda: (self.module.follower.facts.step or 0) >= 20, "20 steps")
        slicer.app.layoutManager().setLayout(self.sample_views)
        self.take("train")
        self.own_views()
        ui.stopButton.click()
        self.until(lambda: not TrainerProcess.running() and ui.resumeButton.enabled, "stopping")
        ui.resumeButton.click()
        self.until(lambda: bool(TrainerProcess.running()), "resuming")
        self.until(lambda: not TrainerProcess.running(), "the rest of the training")
        self.until(lambda: ui.plotButton.enabled, "the losses")
        ui.plotButton.click()
        self.only("runs")
        self.take("train-run")

    def use(self) -> None:
        """Step 6: the model in BrainFM, with its card."""
        from harness.dialogs import dialogs

        dialogs.answer("My first network")
        self.ui.useButton.click()
        self.until(lambda: "new model" in self.ui.noticeLabel.text, "installing the model")
        panel = self.bed.open_module("BrainFM").module
        self.bed.pump(lambda: panel.setup.dependencies.health is not None, PATIENCE_S)
        for name in ("input", "tasks", "options", "batch", "results"):
            button = getattr(panel.ui, f"{name}CollapsibleButton", None)
            if button is not None:
                button.collapsed = True
        panel.ui.modelCollapsibleButton.collapsed = False
        panel.model.refresh()
        panel.model.show("my-first-network")
        self.own_views()
        self.take("train-card")
        self.bed.close_module()
        self.module = self.bed.open_module("BrainFMTrain").module
        self.ui = self.module.ui
        self.until(lambda: self.module.setup.ready, "setup")

    def compare(self) -> None:
        """Step 7: beside the bundled model."""
        ui, panel = self.ui, self.module.compare
        self.only("compare")
        titles = lambda box: [box.itemText(index) for index in range(box.count)]  # noqa: E731
        self.until(lambda: "My first network" in titles(ui.compareSecondComboBox), "the list of models")
        self.until(lambda: f"{HEAD} (validation)" in titles(ui.compareSubjectComboBox), "the list of subjects")
        ui.compareFirstComboBox.currentIndex = titles(ui.compareFirstComboBox).index("BrainFM compact")
        ui.compareSecondComboBox.currentIndex = titles(ui.compareSecondComboBox).index("My first network")
        ui.compareButton.click()
        self.until(lambda: panel.run.running, "beginning to compare")
        self.until(lambda: not panel.run.running, "comparing")
        self.until(lambda: panel.result is not None and panel._loader is None, "loading the comparison")
        self.take("train-compare")


if __name__ == "__main__":
    main()
