"""Samples of a preview as files to keep, in the form of `brainfm generate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from BrainFMEngine.generator.generator import make_batch
from BrainFMEngine.generator.sample_files import write_samples
from BrainFMEngine.outputs.publish import published
from BrainFMEngine.preview.anatomies import source_record
from BrainFMEngine.preview.previewer import Previewer
from BrainFMEngine.preview.request import PreviewRequest
from BrainFMEngine.preview.told import Told
from BrainFMEngine.training.finish_samples import finish_samples


def export_samples(previewer: Previewer, request: PreviewRequest, folder: Path, told: Told) -> list[Path]:
    """Make a request's samples and write them with their records; with every known target if it names any.

    Args:
        previewer: makes them.
        request: what is wanted.
        folder: made if it is not there; the files appear together or not at all.
        told: told each stage.

    Raises:
        UsageError: a file of that name is there, and the request does not say that it may be replaced.
        FileAccessError: the folder cannot be written to.
    """
    wanted = request.targets and (*request.targets, "distance")
    drawn = previewer.draw(replace(request, targets=tuple(wanted)), told)
    told.stage("making samples", 0.5)
    samples = make_batch(drawn.subject, drawn.parameters, drawn.options)
    samples = finish_samples(samples, drawn.recipe.data)
    told.stage("writing", 0.8)
    source = source_record(request, drawn.name)
    with published(folder, request.overwrite) as temporary:
        paths = write_samples(
            temporary, samples, drawn.subject, drawn.options, bool(request.targets), source, drawn.centre_voxel
        )
        names = [path.name for path in paths]
    return [folder / name for name in names]
