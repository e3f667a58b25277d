"""What BrainFMTrain costs its user: opening it, the first samples, and a move of the severity slider.

    BRAINFM_PYTHON=<python with torch> python benchmarks/train_module.py [--repeats 5] [--size 96]

Runs in the test bed of the Slicer modules with the engine itself in a worker. Of the opening it tells what is the
module's own (its imports and its panel; the rest is the form, loaded and drawn by the test bed), in processes of their
own, for a module is imported once. Beside the pictures it tells how long the GUI thread was held at most.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Testing" / "Slicer"))
PATIENCE_S = 300
SEVERITIES = (0.2, 0.8, 0.4, 0.9, 0.1, 0.6)
MODULES = ("BrainFM", "BrainFMTrain")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", type=int, default=96, help="voxels of a sample along each axis")
    parser.add_argument("--open", choices=MODULES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    from harness import bed

    if options.open:
        with bed.imports():
            bed.application()
            sys.stdout.write(json.dumps(opening(bed, options.open)) + "\n")
        return
    for module in MODULES:
        tell_opening(module, options.repeats)
    with bed.imports():
        bed.application()
        tell_pictures(bed, options)


def opening(bed, module: str) -> dict[str, float]:
    """Open a module; seconds in all, and of its own code (imports and panel)."""
    from BrainFMLib.FormWidget import FormWidget

    own = []

    def timed(method):
        def call(*args):
            begin = time.perf_counter()
            try:
                return method(*args)
            finally:
                own.append(time.perf_counter() - begin)

        return call

    def setup(widget, original=FormWidget.setup):
        widget.makeModule, widget.enter = timed(widget.makeModule), timed(widget.enter)
        original(widget)

    FormWidget.setup = setup
    begin = time.perf_counter()
    bed.open_module(module)
    whole = time.perf_counter() - begin
    bed.close_module()
    return {"whole": whole, "own": sum(own), "torch": float("torch" in sys.modules)}


def tell_opening(module: str, repeats: int) -> None:
    """The medians of new processes; the first one, which compiles, apart."""
    words = [sys.executable, __file__, "--open", module]
    rows = []
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(repeats + 1):
            out = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
            rows.append(json.loads(out.strip().splitlines()[-1]))
    first, rest = rows[0], rows[1:]
    whole, own = (statistics.median(row[key] for row in rest) for key in ("whole", "own"))
    torch = "torch was loaded" if any(row["torch"] for row in rows) else "no torch"
    say(f"{module}: opened in {whole:.2f} s, {own:.2f} s of it its own ({own / whole:.2f}), {torch}")
    say(f"    the first time {first['whole']:.2f} s, {first['own']:.2f} s its own")


def tell_pictures(bed, options) -> None:
    """The first samples and moves of the slider, with the real worker."""
    import module_bed
    import slicer
    from gui_holds import GuiHolds

    module_bed.clear_settings()
    module = bed.open_module("BrainFMTrain").module
    preview, ui = module.preview, module.ui
    until(bed, lambda: module.setup.ready)
    ui.previewCollapsibleButton.collapsed = False
    ui.sizeSpinBox.value, ui.samplesSpinBox.value = options.size, 4
    ui.coronalCheckBox.checked = True
    arrived = []
    add = preview.display.add
    preview.worker.onSample = lambda sample: (arrived.append(time.perf_counter()), add(sample))
    acts = [("first Generate", ui.generateButton.click)]
    acts += [(f"slider to {value}", partial(setattr, ui.severitySlider, "value", value)) for value in SEVERITIES]
    for title, act in acts:
        arrived.clear()
        with GuiHolds() as holds:
            begin = time.perf_counter()
            act()
            until(bed, lambda: len(arrived) >= 4 and not preview.requests.busy and not preview.display.busy)
            end = time.perf_counter()
            bed.pump(timeout_s=0.5)
        say(
            f"{title}: first sample {arrived[0] - begin:.2f} s, all four {end - begin:.2f} s; "
            f"GUI thread held {holds.longest.milliseconds:.0f} ms at most ({holds.longest.where})"
        )
    slicer.util.mainWindow().hide()
    bed.close_module()


def until(bed, condition) -> None:
    """Wait for something."""
    if not bed.pump(condition, PATIENCE_S):
        raise SystemExit("it did not come")


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main()
