"""Measure a model on held-out subjects: `python benchmarks/accuracy.py DATA HELD_OUT_CACHE [--model NAME] [-o FILE]`.

Synthetic heads come from label maps that were not trained on (make the cache with
`python -m BrainFMEngine.training.prepare DATA HELD_OUT_CACHE --held-out`); real heads are two T1w brains with
FreeSurfer labels and one subject scanned in three contrasts. Prints a table and writes tidy CSV.

`brainfm evaluate` gives the same numbers for a prepared dataset.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import nibabel as nib
import numpy as np
from BrainFMEngine import Predictor, load_model
from BrainFMEngine.evaluation.case import REAL, SYNTHETIC
from BrainFMEngine.evaluation.evaluate import evaluate
from BrainFMEngine.evaluation.maps import LABELS
from BrainFMEngine.evaluation.row import Row
from BrainFMEngine.evaluation.score import ONE_DICE, Pair, score
from BrainFMEngine.evaluation.similarity import ssim_in
from BrainFMEngine.evaluation.tables import COLUMNS
from BrainFMEngine.image.io import read_image
from BrainFMEngine.training.cache import load_cache
from rich.console import Console
from rich.table import Table

REFERENCE = {
    "mneseeg": ("images/T1w/mneseeg_T1w_brain.nii.gz", "labels_ref/mneseeg_labels.nii.gz"),
    "vxm": ("images/T1w/vxm_T1w_brain.nii.gz", "labels_ref/vxm_labels.nii.gz"),
}
PAIRED = {
    contrast: f"images/{folder}/openms26_{folder}_mni.nii.gz"
    for contrast, folder in (("T1w", "T1w"), ("T2w", "T2w"), ("FLAIR", "FLAIR"))
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--model", default="compact")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    predictor = Predictor(load_model(options.model))
    rows = []
    with (options.output or Path(os.devnull)).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for measured in (
            reference(predictor, options.data),
            paired(predictor, options.data),
            evaluate(predictor, load_cache(options.cache), origins=(SYNTHETIC,)),
        ):
            for row in measured:
                rows.append(row)
                writer.writerow(asdict(row) | {"value": round(row.value, 4)})
                file.flush()
    show(rows)


def reference(predictor: Predictor, data: Path) -> Iterator[Row]:
    """Yield Dice rows of the real T1w brains with FreeSurfer labels."""
    for subject, (image, labels) in REFERENCE.items():
        result = predictor.predict(data / image, tasks="seg")
        truth = np.asarray(nib.load(data / labels).dataobj).astype(int)
        yield from score(Pair(subject, f"{REAL} T1", {LABELS: result.labels}, {LABELS: truth}))


def paired(predictor: Predictor, data: Path) -> Iterator[Row]:
    """Yield similarity of synthesised to scanned contrasts of one subject, in the brain."""
    scans = {contrast: read_image(data / path) for contrast, path in PAIRED.items()}
    for contrast, scan in scans.items():
        result = predictor.predict(scan)
        name = f"{REAL} {contrast.removesuffix('w')}"
        for target, other in scans.items():
            similarity = ssim_in(result.maps[target], other.array, other.array > 0)
            yield Row("openms26", name, target, "SSIM in brain", similarity)


def show(rows: list[Row]) -> None:
    table = Table(*COLUMNS)
    for row in rows:
        if not row.metric.startswith(ONE_DICE):
            table.add_row(*(str(value) for value in (asdict(row) | {"value": round(row.value, 4)}).values()))
    Console().print(table)


if __name__ == "__main__":
    main()
