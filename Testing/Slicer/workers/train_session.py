"""A Slicer in a process of its own: opens BrainFMTrain in the test bed, starts trainings as a user does, and waits.

    train_session.py DATASET RUNS     two trainings: "stops" (with Slicer), "goes-on" (without it)
Prints "started" when both train. Whoever started it kills it.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(FOLDER))
STEPS = 3000


def main(dataset: Path, runs: Path) -> None:
    from harness import bed

    with bed.imports():
        bed.application()
        import module_bed
        from BrainFMLib.Dependencies import Dependencies
        from BrainFMLib.Widgets import SetupPanel

        health = module_bed.says(module_bed.HEALTH_LINE)
        SetupPanel.Dependencies = lambda: Dependencies(command=health)
        drive(bed, dataset, runs)


def drive(bed, dataset: Path, runs: Path) -> None:
    """Start both trainings and go on as a Slicer that nobody uses."""
    from BrainFMTrainLib.TrainerProcess import TrainerProcess
    from train_panel import Trainer

    trainer = Trainer(bed.open_module("BrainFMTrain"), bed.pump)
    trainer.until(lambda: trainer.module.setup.ready, 30)
    for count, name in enumerate(("stops", "goes-on"), start=1):
        trainer.choose(dataset, runs, name, steps=STEPS)
        trainer.ui.keepRunningCheckBox.checked = name == "goes-on"
        trainer.start()
        trainer.until(lambda: len(TrainerProcess.running()) == count, 30)  # noqa: B023
        trainer.until(lambda: trainer.module.follower.folder.name == name, 30)  # noqa: B023
        trainer.wait_for_step(3)
    sys.stdout.write("started\n")
    sys.stdout.flush()
    bed.pump(timeout_s=60)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
