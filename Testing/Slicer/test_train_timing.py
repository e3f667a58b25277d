"""The window goes on reacting while a long run is followed, others are listed, and their curves lie over each other.

The figures are printed with `pytest -s`; the bound leaves room for a busy machine.
"""

import json
import shutil
from pathlib import Path

import pytest
import qt
import slicer
from BrainFMEngine.training.logbook import LOG_FILES, MAX_LOG_BYTES
from BrainFMEngine.training.rotating_lines import RotatingLines
from gui_holds import GuiHolds
from train_panel import dataset, trainer  # noqa: F401

pytestmark = pytest.mark.gui
LONG = 120_000
TERMS = ("T1", "T1_grad", "T2", "T2_grad", "FLAIR", "CT", "CT_soft", "seg_ce", "seg_dice", "distance", "bias_field_log")
BOUND_MS = 500


def write_long_run(folder: Path) -> None:
    """The files of a run of so many steps, as the engine leaves them."""
    folder.mkdir(parents=True)
    rest = {"lr": 5e-4, "norm": 1.0, "subject": "a", "seconds": 0.5, "waited": 0.0, "skipped": 0}
    lines = RotatingLines(folder / "log.jsonl", MAX_LOG_BYTES, LOG_FILES)
    for begin in range(1, LONG, 1000):
        values = {"loss": 1 + 100 / begin, **{name: 0.1 + 1 / begin for name in TERMS}, **rest}
        lines.write("\n".join(json.dumps({"step": step, **values}) for step in range(begin, begin + 1000)))
    lines.close()
    scores = [f"{step},validation/seg/mean Dice,{step / LONG}" for step in range(100, LONG, 100)]
    (folder / "metrics.csv").write_text("\n".join(["step,metric,value", *scores, ""]))
    state = {"version": 1, "state": "finished", "pid": 1, "host": "here", "message": "", "recipe": ""}
    times = {"started": 1.0, "heartbeat": 1.0, "heartbeat_monotonic": 1.0}
    (folder / "run.json").write_text(json.dumps({**state, **times, "step": LONG, "steps": LONG}))


def write_short_copy(long: Path, folder: Path) -> None:
    """A run of the first steps of another."""
    folder.mkdir()
    for name in ("metrics.csv", "run.json"):
        shutil.copy(long / name, folder)
    with open(long / "log.1.jsonl") as stream:
        (folder / "log.jsonl").write_text("".join(line for line, _number in zip(stream, range(2000), strict=False)))


def test_the_gui_thread_is_never_held_for_long(trainer, dataset, tmp_path):  # noqa: F811
    runs = tmp_path / "runs"
    write_long_run(runs / "long")
    for number in range(2, 8):
        write_short_copy(runs / "long", runs / f"short {number}")
    trainer.behave("--delay", 0.005)
    trainer.choose(dataset, runs, "live", steps=100_000)
    slicer.util.mainWindow().hide()
    with GuiHolds() as opening:
        trainer.start()
        trainer.until(lambda: len(trainer.states()) == 8)
    trainer.ui.plotButton.click()
    with GuiHolds() as reading:
        for row in range(8):
            trainer.ui.runsTable.item(row, 0).setCheckState(qt.Qt.Checked)
        follower = next(run for run in trainer.module.section.runs() if run.folder.name == "long")
        trainer.until(lambda: follower.facts.step == LONG, 120)
    with GuiHolds() as watching:
        trainer.pump(timeout_s=5)
    for name, holds in (("starting", opening), ("reading", reading), ("watching 8 runs", watching)):
        print(f"\nGUI thread held for {holds.longest.milliseconds:.0f} ms at most ({name})\n{holds.report()}")
        assert holds.longest.milliseconds < BOUND_MS
