"""Previews: the mini-batch that training would make of a subject, sample after sample, with what is kept in between."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.dataset.dataset import Dataset
from BrainFMEngine.errors import DeviceMemoryError
from BrainFMEngine.generator.checkerboard import deformed_checkerboard
from BrainFMEngine.generator.generator import Anatomy, Sample, clean_image, deform, iterate_batch
from BrainFMEngine.generator.parameters import GeneratorOptions, SampleParameters, draw_batch
from BrainFMEngine.generator.record import to_record
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.generator.target_table import CLEAN, DEFORMATION_GRID
from BrainFMEngine.image.volume import shape_3d
from BrainFMEngine.inference.available import available_bytes
from BrainFMEngine.preview.anatomies import Anatomies, Key, check_subject_name
from BrainFMEngine.preview.needed import needed_subject, needed_targets
from BrainFMEngine.preview.request import FULL, PreviewRequest
from BrainFMEngine.preview.request_recipe import request_recipe
from BrainFMEngine.preview.told import Told
from BrainFMEngine.training.estimate import SAMPLE_CHANNELS
from BrainFMEngine.training.feed import batch_rng
from BrainFMEngine.training.finish_samples import finish_samples
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_batch import draw_batch_options, draw_subject


@dataclass(frozen=True)
class Drawn:
    """One mini-batch before it is made.

    Attributes:
        key: what the subject is kept under.
        recipe: it is drawn by.
        subject: whole; `name` is that in the data set, None for an anatomy from files.
        options: for the targets.
        parameters: of the samples.
        centre_voxel: that the samples are centred on.
    """

    key: Key
    recipe: Recipe
    subject: Subject
    name: str | None
    options: GeneratorOptions
    parameters: tuple[SampleParameters, ...]
    centre_voxel: np.ndarray


@dataclass(frozen=True)
class _Deformed:
    """A deformed subject, for the next request of the same seed and shape."""

    key: str
    subject: Subject
    anatomy: Anatomy
    grid: Tensor | None


class Previewer:
    """Makes previews, each faster than the one before as far as they share something.

    Args:
        device: where samples are made.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self.seconds: dict[str, float] = {}
        self._anatomies = Anatomies(device)
        self._deformed: _Deformed | None = None

    def recipe(self, request: PreviewRequest, told: Told) -> Recipe:
        """Return the recipe that training would need to make the request's samples."""
        shape = None
        if request.shape == FULL:
            shape = shape_3d(self._subject(request, request_recipe(replace(request, shape=None), None), told)[2].shape)
        return request_recipe(request, shape)

    def draw(self, request: PreviewRequest, told: Told) -> Drawn:
        """Read the subject and draw the mini-batch.

        Raises:
            BrainFMError: whatever is wrong with the request, the files or the memory.
        """
        self.seconds = {}
        started = time.perf_counter()
        recipe = request_recipe(replace(request, shape=None) if request.shape == FULL else request, None)
        key, name, subject = self._subject(request, recipe, told)
        if request.shape == FULL:
            recipe = request_recipe(request, shape_3d(subject.shape))
        self._tick("anatomy", started)
        self._refuse_too_large(recipe)
        options, seed = draw_batch_options(recipe, batch_rng(recipe, request.step))
        parameters = draw_batch(subject, options, seed)
        centre = np.asarray(subject.centre_voxel, float)
        if request.centre is not None:
            shift = np.linalg.inv(subject.affine_ras) @ [*request.centre, 1.0]
            parameters = _moved(parameters, shift[:3] - centre)
            centre = shift[:3]
        return Drawn(key, recipe, subject, name, options, parameters, centre)

    def samples(self, drawn: Drawn, targets: frozenset[str], told: Told) -> Iterator[Sample]:
        """Make the samples with the targets that are wanted, as far as there are such.

        Args:
            drawn: result of `draw`.
            targets: names of `target_table`.
            told: told each stage; may break off between samples.
        """
        told.stage("deforming", 0.5)
        started = time.perf_counter()
        deformed = self._deform(drawn, targets)
        self._tick("deformation", started)
        told.check()
        made = iterate_batch(deformed.subject, drawn.parameters, drawn.options, deformed.anatomy)
        for index in range(len(drawn.parameters)):
            told.stage(f"sample {index + 1}", 0.6 + 0.4 * index / len(drawn.parameters))
            started = time.perf_counter()
            sample = next(made)
            extra = {} if deformed.grid is None else {DEFORMATION_GRID: deformed.grid[None]}
            if CLEAN in targets:
                extra[CLEAN] = clean_image(deformed.subject, deformed.anatomy, sample.parameters)
            (sample,) = finish_samples([sample], drawn.recipe.data)
            self._tick("samples", started)
            yield replace(sample, targets={**sample.targets, **extra})

    def clear(self) -> None:
        """Forget everything: memory is short."""
        self._deformed = None
        self._anatomies.clear()

    def _tick(self, name: str, started: float) -> None:
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - started, 4)

    def _subject(self, request: PreviewRequest, recipe: Recipe, told: Told) -> tuple[Key, str | None, Subject]:
        """Return what the subject is kept under, its name in a data set, and the subject."""
        name = None
        if request.subject is not None:
            dataset = Dataset(Path(request.subject.dataset))
            name = request.subject.name
            if name is None:
                name = training_subject(dataset, recipe, request.step)
            check_subject_name(dataset, name)
        key, subject = self._anatomies.get(request, name, needed_targets(frozenset(request.targets), recipe), told)
        return key, name, subject

    def _deform(self, drawn: Drawn, targets: frozenset[str]) -> _Deformed:
        """Deform the subject, or take what was deformed for the request before."""
        first, options = drawn.parameters[0], drawn.options
        wanted = needed_targets(targets, drawn.recipe)
        subject, options = needed_subject(drawn.subject, options, drawn.parameters, wanted)
        parts = [first.deformation, first.extracerebral, first.pathology]
        facts = [first.shape, first.spacing_mm, first.noise_device, drawn.options.protocol, options.max_distance_mm]
        has = [
            subject.distance is not None,
            subject.atlas_mm is not None,
            sorted(subject.images),
            options.paint_targets,
        ]
        grid_wanted = DEFORMATION_GRID in targets
        key = json.dumps([drawn.key, [to_record(part) for part in parts], facts, has, grid_wanted])
        if self._deformed is None or self._deformed.key != key:
            self._deformed = None  # its memory first
            anatomy = deform(subject, first, options)
            grid = None
            if grid_wanted:
                centre = subject.centre_voxel.tolist()
                grid = deformed_checkerboard(first.deformation, first.shape, centre, first.spacing_mm, subject.device)
            self._deformed = _Deformed(key, subject, anatomy, grid)
        return self._deformed

    def _refuse_too_large(self, recipe: Recipe) -> None:
        needed = 4 * math.prod(recipe.generator.shape) * SAMPLE_CHANNELS
        free = available_bytes(self.device)
        if needed > free:
            text = f"samples of {' x '.join(map(str, recipe.generator.shape))} voxels need about {needed / 1e9:.1f} GB"
            raise DeviceMemoryError(f"{text} and {free / 1e9:.1f} GB are free", "Choose a smaller crop.")


def training_subject(dataset: Dataset, recipe: Recipe, step: int) -> str:
    """Return the subject that training takes for mini-batch `step`, told from the subjects' descriptions alone."""
    rng = batch_rng(recipe, step)
    draw_batch_options(recipe, rng)
    return draw_subject([_Described(name, dataset) for name in dataset.names("train")], recipe.data, rng).name


class _Described:
    """A subject that is not read."""

    def __init__(self, name: str, dataset: Dataset):
        self.name, self._dataset = name, dataset

    @property
    def is_real(self) -> bool:
        return bool(self._dataset.info(self.name).contrasts)


def _moved(parameters: tuple[SampleParameters, ...], voxels: np.ndarray) -> tuple[SampleParameters, ...]:
    """Return the same samples centred on another voxel; they still share one deformation."""
    deformation = parameters[0].deformation
    shift = tuple(np.add(deformation.affine.shift_mm, voxels).tolist())
    deformation = replace(deformation, affine=replace(deformation.affine, shift_mm=shift))
    return tuple(replace(sample, deformation=deformation) for sample in parameters)
