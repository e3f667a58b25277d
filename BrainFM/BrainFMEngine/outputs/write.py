"""All files of a prediction, in order; see the other modules for each of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from BrainFMEngine import __version__
from BrainFMEngine.anatomy.atlas import ATLAS_SPACE
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.outputs.bias import bias_warnings, write_bias
from BrainFMEngine.outputs.distance import write_distances
from BrainFMEngine.outputs.fileset import FileSet
from BrainFMEngine.outputs.options import OutputOptions
from BrainFMEngine.outputs.overview import draw_overview
from BrainFMEngine.outputs.qc import assess, write_qc
from BrainFMEngine.outputs.registration import Registration, register, write_registration
from BrainFMEngine.outputs.report import write_report
from BrainFMEngine.outputs.segmentation import segmentation_asked, write_segmentation
from BrainFMEngine.outputs.surfaces import require_surfaces, write_surfaces
from BrainFMEngine.outputs.synthesis import write_synthesis
from BrainFMEngine.outputs.target import staged
from BrainFMEngine.outputs.volumes import measure_volumes, write_volumes
from BrainFMEngine.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

DESCRIPTION = f"BrainFM {__version__} research use only"


def write_results(
    prediction: Prediction,
    folder: str | Path,
    stem: str,
    options: OutputOptions | None = None,
    progress: Progress | None = None,
) -> dict[str, Path]:
    """Write everything that was predicted to `folder/stem/<stem>_<kind>`; all files appear together or none does.

    Args:
        prediction: of one input.
        folder: the output folder; made if missing.
        stem: from `stem_of` or `stems_of`.
        options: optional files, and whether earlier results are replaced.
        progress: told about stages and warnings; an exception from it cancels the writing.

    Returns:
        Kind of file to path, in the order of writing; the report is last.

    Raises:
        UsageError: results are there already, or surfaces are wanted without scikit-image.
        FileAccessError: the folder cannot be written to, or the disk is full.
    """
    options, progress = options or OutputOptions(), progress or SilentProgress()
    if options.surfaces:
        require_surfaces()
    native = prediction.conformed.native
    with staged(Path(folder), stem, options, native.source) as temporary:
        like = native if prediction.grid.same_as(native.grid) else None
        files = FileSet(temporary, stem, prediction.grid, like, DESCRIPTION, progress, options=asdict(options))
        _write_all(prediction, options, files)
    return {kind: Path(folder) / stem / path.name for kind, path in files.paths.items()}


def _write_all(prediction: Prediction, options: OutputOptions, files: FileSet) -> None:
    write_synthesis(prediction, files)
    write_segmentation(prediction, files, options.posteriors)
    write_distances(prediction, files)
    write_bias(prediction, files)
    if options.features and prediction.features is not None:
        write_features(prediction.features, prediction.conformed.volume.grid, files)
    warnings = [*bias_warnings(prediction), *(write_surfaces(prediction, files) if options.surfaces else [])]
    registration, problem = _registered(prediction)
    if registration is not None:
        write_registration(registration, files)
        warnings += _other_atlas(prediction.model.atlas_space if prediction.model else ATLAS_SPACE)
    volumes = measure_volumes(prediction)
    if segmentation_asked(prediction):
        write_volumes(volumes, files)
    quality = assess(prediction, volumes, registration, problem)
    for sentence in (*warnings, *quality.findings):
        files.progress.warning(sentence)
    warnings = [*prediction.warnings, *warnings, *quality.findings]
    draw_overview(prediction, registration, quality, files.stem).save(files.add("overview", "overview.png"))
    write_qc(quality, warnings, files)
    write_report(prediction, quality, warnings, files)


def _other_atlas(space: str) -> list[str]:
    """Return a warning if a model's coordinates refer to another world than the packaged atlas."""
    if space == ATLAS_SPACE:
        return []
    return [f"the model's coordinates refer to {space}, the atlas shown to {ATLAS_SPACE}; expect millimetres"]


def write_features(features: np.ndarray, grid: Grid, files: FileSet) -> None:
    """Write the last feature map (C, X, Y, Z) as (X, Y, Z, C) float32 on `grid`, the 1 mm grid that the network saw."""
    files.image("features", np.moveaxis(features, 0, -1).astype(np.float32), grid=grid)


def _registered(prediction: Prediction) -> tuple[Registration | None, str]:
    if "atlas_coordinates" not in prediction.maps:
        return None, ""
    try:
        return register(prediction), ""
    except ValueError as error:
        return None, str(error)
