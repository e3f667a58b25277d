"""The segmentation: labels, their table, and optionally the probability of every structure."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.outputs.fileset import FileSet

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction


def write_segmentation(prediction: Prediction, files: FileSet, posteriors: bool) -> None:
    """Write the image `dseg` (FreeSurfer ids, int16) and `dseg.tsv`; with `posteriors` also the image `probseg`."""
    if prediction.labels is None or prediction.protocol is None or not segmentation_asked(prediction):
        return
    files.image("dseg", prediction.labels.astype(np.int16), intent="label")
    _write_table(prediction.protocol, files)
    if posteriors and prediction.probabilities is not None:
        files.image("probseg", np.moveaxis(prediction.probabilities, 0, -1).astype(np.float32))


def segmentation_asked(prediction: Prediction) -> bool:
    """Tell whether the user wants the anatomy; it is computed in any case, to mask and to check the other tasks."""
    return "seg" in prediction.options.get("tasks", ["seg"])


def _write_table(protocol: LabelProtocol, files: FileSet) -> None:
    """Write the BIDS label table: index (FreeSurfer id), name, colour as #rrggbb; rows in channel order of probseg."""
    with files.add("dseg_table", "dseg.tsv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(["index", "name", "color"])
        for structure in protocol.structures:
            red, green, blue = structure.colour
            table.writerow([structure.id, structure.name, f"#{red:02x}{green:02x}{blue:02x}"])
