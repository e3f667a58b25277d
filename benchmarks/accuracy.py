"""Measure a model on held-out subjects: `python benchmarks/accuracy.py DATA HELD_OUT_CACHE [--model NAME] [-o FILE]`.

Synthetic heads come from label maps that were not trained on (make the cache with
`python -m BrainFMEngine.training.prepare DATA HELD_OUT_CACHE --held-out`); real heads are two T1w brains with
FreeSurfer labels and one subject scanned in three contrasts. Prints a table and writes tidy CSV.
"""

from __future__ import annotations

import argparse
import csv
import os
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from BrainFMEngine import Predictor, load_model
from BrainFMEngine.anatomy.protocols import BRAINID_33, COMPACT_40
from BrainFMEngine.generator.affine import AffineRanges
from BrainFMEngine.generator.bias import BiasRanges
from BrainFMEngine.generator.contrast import ContrastRanges
from BrainFMEngine.generator.corruption_ranges import CorruptionRanges
from BrainFMEngine.generator.deformation import DeformationRanges
from BrainFMEngine.generator.extracerebral import ExtracerebralRanges
from BrainFMEngine.generator.gamma import GammaRanges
from BrainFMEngine.generator.generator import Sample, generate
from BrainFMEngine.generator.noise import NoiseRanges
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.generator.tissues import CONTRASTS
from BrainFMEngine.generator.velocity import VelocityRanges
from BrainFMEngine.image.io import read_image
from BrainFMEngine.image.volume import Volume
from BrainFMEngine.training.cache import load_cache
from rich.console import Console
from rich.table import Table
from skimage.metrics import structural_similarity

STILL = DeformationRanges(AffineRanges(0, 0, 0), VelocityRanges(std_mm=0.0), flip_probability=0.0)
WHOLE_HEAD = ExtracerebralRanges(1.0, 0.0, 0.0, cluster_probability=0.0)
MODERATE = CorruptionRanges(GammaRanges(0.05), BiasRanges((0.02, 0.02), (0.1, 0.2)), noise=NoiseRanges((3.0, 8.0)))
REFERENCE = {
    "mneseeg": ("images/T1w/mneseeg_T1w_brain.nii.gz", "labels_ref/mneseeg_labels.nii.gz"),
    "vxm": ("images/T1w/vxm_T1w_brain.nii.gz", "labels_ref/vxm_labels.nii.gz"),
}
PAIRED = {
    contrast: f"images/{folder}/openms26_{folder}_mni.nii.gz"
    for contrast, folder in (("T1w", "T1w"), ("T2w", "T2w"), ("FLAIR", "FLAIR"))
}
BRAIN_ROWS = BRAINID_33.ids[1:]


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
        writer = csv.DictWriter(file, ["subject", "input", "task", "metric", "value"])
        writer.writeheader()
        for measured in (
            reference(predictor, options.data),
            paired(predictor, options.data),
            synthetic(predictor, options.cache),
        ):
            for row in measured:
                rows.append(row)
                writer.writerow(row)
                file.flush()
    show(rows)


def synthetic(predictor: Predictor, cache: Path):
    """Yield rows for every held-out anatomy in four tissue-like and two random contrasts."""
    for subject in load_cache(cache):
        for kind in (*CONTRASTS, "random-1", "random-2"):
            sample = synthetic_sample(subject, kind)
            scale = 80.0 if kind == "CT" else 1.0  # the input is windowed to 0..80 HU
            image = Volume(scale * sample.image[0].numpy(), np.eye(4))
            result = predictor.predict(image, modality="ct" if kind == "CT" else "mr")
            yield from score(subject.name, kind, result, sample)


def synthetic_sample(subject, kind: str) -> Sample:
    """Draw a whole head with moderate corruption; the seed follows from subject and contrast."""
    options = GeneratorOptions(
        shape=subject.shape,
        severities=(0.5,),
        deformation=STILL,
        extracerebral=WHOLE_HEAD,
        contrast=ContrastRanges(kind=kind.split("-")[0].lower()),
        corruption=MODERATE,
        protocol=COMPACT_40.name,
        paint_targets=True,
    )
    return generate(subject, options, zlib.crc32(f"{subject.name} {kind}".encode()))[0]


def score(subject: str, kind: str, result, sample: Sample):
    """Yield rows of one synthetic head against its targets."""
    truth = np.array(COMPACT_40.ids)[sample.targets["segmentation"].numpy()]
    yield from dice_rows(subject, kind, result.labels, truth)
    brain = np.isin(truth, BRAIN_ROWS)
    if "registration" in sample.targets and "atlas_coordinates" in result.maps:
        target = 100 * np.moveaxis(sample.targets["registration"].numpy(), 0, -1)
        error = np.linalg.norm(result.maps["atlas_coordinates"] - target, axis=-1)[brain]
        yield row(subject, kind, "registration", "median mm", np.median(error))
    if "distance" in sample.targets and "lp" in result.maps:
        target = sample.targets["distance"].numpy()
        near = np.abs(target) < 3
        maps = np.stack([result.maps[name] for name in ("lp", "lw", "rp", "rw")])
        yield row(subject, kind, "distance", "L1 mm inside ±3", np.abs(maps - target)[near].mean())
    if "bias_field_log" in sample.targets and "biasfield" in result.maps:
        target = np.exp(sample.targets["bias_field_log"][0].numpy())[brain]
        yield row(subject, kind, "bias", "norm-L2", norm_l2(result.maps["biasfield"][brain], target))
    for name, scale in (("T1", 1), ("T2", 1), ("FLAIR", 1), ("CT", 1000)):
        key = {"T1": "T1w", "T2": "T2w"}.get(name, name)
        if key in result.maps:
            target = scale * sample.targets[name][0].numpy()
            yield row(subject, kind, key, "L1 in brain", np.abs(result.maps[key] - target)[brain].mean())


def reference(predictor: Predictor, data: Path):
    """Yield Dice rows of the real T1w brains with FreeSurfer labels."""
    for subject, (image, labels) in REFERENCE.items():
        result = predictor.predict(data / image, tasks="seg")
        truth = np.asarray(nib.load(data / labels).dataobj).astype(int)
        yield from dice_rows(subject, "T1w", result.labels, truth)


def paired(predictor: Predictor, data: Path):
    """Yield similarity of synthesised to scanned contrasts of one subject, in the brain."""
    scans = {contrast: read_image(data / path) for contrast, path in PAIRED.items()}
    for contrast, scan in scans.items():
        result = predictor.predict(scan)
        for target, other in scans.items():
            real, brain = scaled(other.array), other.array > 0
            made = scaled(result.maps[target] * brain)
            box = tuple(slice(i.min(), i.max() + 1) for i in np.nonzero(brain))
            _, similarity = structural_similarity(real[box], made[box], data_range=1, full=True)
            yield row("openms26", contrast, target, "SSIM in brain", similarity[brain[box]].mean())


def dice_rows(subject: str, kind: str, labels: np.ndarray, truth: np.ndarray):
    """Yield Dice of every structure of the 33-class protocol that the truth has, and their mean."""
    scores = {}
    for structure in BRAIN_ROWS:
        reference_mask = truth == structure
        if reference_mask.any():
            predicted = labels == structure
            scores[structure] = 2 * (predicted & reference_mask).sum() / (predicted.sum() + reference_mask.sum())
    for structure, value in scores.items():
        yield row(subject, kind, "seg", f"Dice {structure}", value)
    yield row(subject, kind, "seg", "mean Dice", np.mean(list(scores.values())))


def scaled(image: np.ndarray) -> np.ndarray:
    """Scale the 99.5th percentile of what is not zero to 1."""
    return np.clip(image / np.percentile(image[image > 0], 99.5), 0, 1).astype(np.float32)


def norm_l2(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Return the L2 error after the best scale, relative to the truth's L2 norm (papers' bias metric)."""
    weight = (estimate * truth).sum() / ((estimate**2).sum() + 1e-7)
    return float(np.sqrt(((weight * estimate - truth) ** 2).sum() / ((truth**2).sum() + 1e-7)))


def row(subject: str, kind: str, task: str, metric: str, value: float) -> dict[str, object]:
    return {"subject": subject, "input": kind, "task": task, "metric": metric, "value": round(float(value), 4)}


def show(rows: list[dict[str, object]]) -> None:
    table = Table("subject", "input", "task", "metric", "value")
    for item in rows:
        if not str(item["metric"]).startswith("Dice "):
            table.add_row(*(str(value) for value in item.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
