"""The panel on another desktop: dark, right to left, decimal comma, and the QT_SCALE_FACTOR that is given.

    python odd_desktop.py RESULTS FOLDER

Runs the module once, moves the overlay, saves the table, takes a picture; prints what was found as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import bed

DARK = {"Window": 45, "Base": 30, "AlternateBase": 52, "Button": 58, "ToolTipBase": 30, "Mid": 70, "Dark": 25}
LIGHT = ("WindowText", "Text", "ButtonText", "ToolTipText", "BrightText", "PlaceholderText")
FEW_LETTERS = 2


def make_odd(app) -> None:
    """Dark, and right to left."""
    from PySide6 import QtCore, QtGui

    app.setLayoutDirection(QtCore.Qt.LayoutDirection.RightToLeft)
    palette = QtGui.QPalette()
    for name, grey in DARK.items():
        palette.setColor(getattr(QtGui.QPalette.ColorRole, name), QtGui.QColor(grey, grey, grey + 4))
    for name in LIGHT:
        palette.setColor(getattr(QtGui.QPalette.ColorRole, name), QtGui.QColor(235, 235, 235))
    app.setPalette(palette)


def main(results: Path, folder: Path) -> dict:
    """Drive the panel; what is told."""
    import module_bed
    import qt
    import slicer

    make_odd(slicer.app)
    slicer.util.mainWindow().resize(1300, 1000)
    widget = bed.open_module("BrainFM")
    module, ui = widget.module, widget.ui
    module.setup.dependencies.health = module_bed.READY
    widget.logic.makeEngine = lambda: module_bed.stub("--results", results, "succeed")
    ui.inputSelector.setCurrentNode(module_bed.head())
    bed.pump(lambda: ui.applyButton.enabled, 10)
    ui.applyButton.click()
    bed.pump(lambda: widget.logic.running, 10)
    bed.pump(lambda: not module.controller.busy, 60)
    ui.anatomyLayoutButton.click()
    ui.overlaySlider.value = 0.25
    bed.pump(timeout_s=0.5)
    module.results.exportTable(folder / "volumes.csv")
    again = bed.open_module("BrainFM").module
    again.results.showLayout("Anatomy")
    bed.pump(lambda: not module.results._making, 60)
    bed.pump(timeout_s=0.3)
    found = {
        "state": widget.logic.prediction.outcome.state,
        "overlay": again.ui.overlaySlider.value,
        "number": qt.QLocale().toString(0.25),
        "scale": slicer.util.mainWindow().devicePixelRatio(),
        "cut": [name for name, button in vars(ui).items() if is_cut(button)],
        "notice": ui.noticeLabel.text if module_bed.shown(ui.noticeFrame) else "",
    }
    os.environ["SLICER_SCREENSHOTS"] = str(folder)
    bed.screenshot("odd")
    bed.close_module()
    return found


def is_cut(widget) -> bool:
    """Whether a button or a line of text that is shown has less room than it needs."""
    if not all(hasattr(widget, name) for name in ("minimumSizeHint", "isVisible", "text")) or not widget.isVisible():
        return False
    free = getattr(widget, "wordWrap", False) or len(str(widget.text)) <= FEW_LETTERS
    return not free and widget.width < widget.minimumSizeHint().width()


if __name__ == "__main__":
    from PySide6.QtCore import QLocale

    QLocale.setDefault(QLocale("de_DE"))
    with bed.imports():
        bed.application()
        told = main(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write(json.dumps(told) + "\n")
