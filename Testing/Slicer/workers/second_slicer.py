"""A Slicer beside others: opens the module, runs it once and prints how that went, as JSON.

    python second_slicer.py RESULTS TEMPORARY_FOLDER

The temporary folder is that of the application, which Slicers of one user share.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import bed


def main(results: Path, temporary: Path) -> dict:
    """Run once; what is told."""
    import module_bed
    import slicer

    slicer.app.temporaryPath = str(temporary)
    widget = bed.open_module("BrainFM")
    module, logic = widget.module, widget.logic
    module.setup.dependencies.health = module_bed.READY
    logic.makeEngine = lambda: module_bed.stub("--results", results, "--seconds", 1, "slow-progress")
    widget.ui.inputSelector.setCurrentNode(module_bed.head())
    bed.pump(lambda: widget.ui.applyButton.enabled, 10)
    widget.ui.applyButton.click()
    bed.pump(lambda: logic.running, 10)
    bed.pump(lambda: not module.controller.busy, 60)
    outcome = logic.prediction.outcome
    own = logic.prediction._folder.path.name
    bed.pump(lambda: not (temporary / own).exists(), 5)
    bed.close_module()
    return {"state": outcome.state, "message": outcome.message, "own": own}


if __name__ == "__main__":
    with bed.imports():
        bed.application()
        told = main(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write(json.dumps(told) + "\n")
