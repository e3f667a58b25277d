"""One subject into a dataset: kept if it is there already, else made, or told why it cannot be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.dataset.dataset import FORMAT_VERSION, Dataset, write_subject
from BrainFMEngine.dataset.info import SourceFile
from BrainFMEngine.dataset.make_subject import make_subject
from BrainFMEngine.dataset.source_subject import SourceSubject
from BrainFMEngine.dataset.split import FRACTIONS
from BrainFMEngine.errors import BrainFMError, CancelledError
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.progress import Progress


@dataclass(frozen=True)
class PrepareOptions:
    """What to do with every subject.

    Attributes:
        protocol: label protocol whose structures the checks look for.
        overrides: label id -> known id.
        register: with the atlas, where a source has no coordinates.
        fractions: of train, validation and test, of subjects whose part the source does not tell.
        held_out: None for a random split over everybody; else collections that are only for testing
            (`split_by_collection`; empty for a random share of every collection).
        seed: of the split.
    """

    protocol: str = "compact-40"
    overrides: Mapping[int, int] = field(default_factory=dict)
    register: bool = True
    fractions: tuple[float, float, float] = FRACTIONS
    held_out: tuple[str, ...] | None = None
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a subject; `error` is None unless it failed."""

    name: str
    state: Literal["prepared", "kept", "failed"]
    error: BrainFMError | None = None


class SubjectProgress(Progress, Protocol):
    """Told what happens to a subject."""

    def error(self, error: BaseException) -> object:
        """Report that the subject at hand failed and is left out."""


def prepare_one(source: SourceSubject, dataset: Dataset, options: PrepareOptions, progress: SubjectProgress) -> Outcome:
    """Write a subject's files, unless the same ones are there.

    Raises:
        FileAccessError: the dataset cannot be written.
    """
    try:
        files = _source_files(source)
        inputs = _inputs_hash(source, files, options)
        if _is_done(dataset, source.name, inputs):
            progress.stage("kept", 1.0)
            return Outcome(source.name, "kept")
        protocol = find_protocol(options.protocol)
        made = make_subject(source, options.overrides or None, options.register, protocol, progress)
    except CancelledError:
        raise
    except BrainFMError as error:  # the next subject may be fine
        return failed(source, error, progress)
    except (MemoryError, ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        text = f"{source.name} cannot be prepared: {type(error).__name__} {error}"[:300]
        return failed(source, BrainFMError(text), progress)
    progress.stage("writing", 0.95)
    info = replace(made.info, sources=files, inputs=inputs)
    write_subject(dataset.folder, made.subject, info, made.mask)
    progress.stage("done", 1.0)
    return Outcome(source.name, "prepared")


def failed(source: SourceSubject, error: BrainFMError, progress: SubjectProgress) -> Outcome:
    """Tell of a subject that is left out."""
    progress.error(error)
    return Outcome(source.name, "failed", error)


def is_prepared(source: SourceSubject, dataset: Dataset, options: PrepareOptions) -> bool:
    """Tell whether the dataset has the subject, made from these files with these options."""
    try:
        return _is_done(dataset, source.name, _inputs_hash(source, _source_files(source), options))
    except BrainFMError:
        return False


def _source_files(source: SourceSubject) -> dict[str, SourceFile]:
    return {kind: SourceFile(path.name, file_sha256(path)) for kind, path in source.files.items()}


def _inputs_hash(source: SourceSubject, files: dict[str, SourceFile], options: PrepareOptions) -> str:
    """Return a hash of all that decides what a subject becomes."""
    parts = {
        "format": FORMAT_VERSION,
        "files": {kind: file.sha256 for kind, file in sorted(files.items())},
        "overrides": sorted(options.overrides.items()),
        "register": options.register,
        "in_atlas_space": source.in_atlas_space,
        "belongs": [source.collection, source.person],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _is_done(dataset: Dataset, name: str, inputs: str) -> bool:
    try:
        info = dataset.info(name)
        return info.inputs == inputs and file_sha256(dataset.file(name)) == info.sha256
    except BrainFMError:
        return False  # not there, or damaged: made again
