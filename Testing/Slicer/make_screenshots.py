"""Make the pictures of the documentation: the module with real results of the sample head, in the test bed.

    brainfm predict Resources/SampleData/head_T1w.nii.gz -o results --uncompressed
    BRAINFM_PYTHON=<python with torch> python Testing/Slicer/make_screenshots.py results/head_T1w

BRAINFM_PYTHON lets the setup and the memory estimate be those of the real engine; the results are taken from the
folder instead of being computed again. Pillow makes the files small.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
SIZE = (1300, 860)
COLOURS = 256
MIDDLE = (5.7, 15.6, 38.3)
"""A place in the sample head (RAS mm) where much is to be seen."""
LAYOUTS = ("Contrasts", "Anatomy", "Cortex", "Bias", "Atlas")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results of the sample head")
    parser.add_argument("--sample", type=Path, default=ROOT / "Resources" / "SampleData" / "head_T1w.nii.gz")
    parser.add_argument("--out", type=Path, default=ROOT / "Resources" / "Screenshots")
    options = parser.parse_args()
    from harness import bed

    with bed.imports():
        bed.application()
        take_all(bed, options)


def take_all(bed, options) -> None:
    """Drive the module and take a picture of each state."""
    import module_bed
    import slicer

    module_bed.clear_settings()
    window = slicer.util.mainWindow()
    window.resize(*SIZE)
    volume = slicer.util.loadVolume(str(options.sample))
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    module = bed.open_module("BrainFM").module
    bed.pump(lambda: module.setup.dependencies.health is not None, 120)
    bed.pump(lambda: "GB" in module.ui.statusLabel.text, 60)
    slicer.app.layoutManager().resetSliceViews()
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *MIDDLE, slicer.vtkMRMLSliceNode.OffsetJumpSlice)
    take(bed, options, "module")
    module.setup.dependencies.health = module_bed.READY
    module.logic.makeEngine = lambda: module_bed.stub("--results", options.results, "succeed")
    module.ui.applyButton.click()
    assert bed.pump(lambda: not module.controller.busy, 120)
    for name in LAYOUTS:
        getattr(module.ui, f"{name.lower()}LayoutButton").click()
        bed.pump(timeout_s=0.6)
        if name == "Anatomy":
            bed.pump(lambda: not module.results._making, 120)
            module.results.showLayout(name)
            bed.pump(timeout_s=0.6)
        if name == "Atlas":
            module.ui.checkerboardCheckBox.checked = True
            bed.pump(timeout_s=2.0)
        take(bed, options, name.lower())
    bed.close_module()
    bed.pump(timeout_s=0.5)
    window.hide()


def take(bed, options, name: str) -> None:
    """Save the window as a small PNG file."""
    import os
    import tempfile

    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        os.environ["SLICER_SCREENSHOTS"] = folder
        picture = Image.open(bed.screenshot(name)).convert("RGB")
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{name}.png"
    small = picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    sys.stdout.write(f"{path}: {path.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
