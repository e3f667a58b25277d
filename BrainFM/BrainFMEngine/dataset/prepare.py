"""Preparing a dataset: every subject of a source, one after the other, each complete or not there at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.dataset.dataset import FORMAT_VERSION, Dataset, create_dataset, write_split, write_subject
from BrainFMEngine.dataset.files import write_json
from BrainFMEngine.dataset.info import SourceFile, SubjectInfo
from BrainFMEngine.dataset.make_subject import make_subject
from BrainFMEngine.dataset.source_subject import SourceSubject
from BrainFMEngine.dataset.split import FRACTIONS, PARTS, Split, random_split, split_by_collection
from BrainFMEngine.errors import BrainFMError, CancelledError, FileAccessError, UsageError
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.progress import Progress

FAILED = "failed.json"
BYTES_PER_SUBJECT = 32 << 20


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


class PrepareProgress(Progress, Protocol):
    """Told which subject is at hand, and which failed."""

    def begin(self, index: int) -> None:
        """Go to the next subject."""

    def error(self, error: BaseException) -> object:
        """Report that the subject at hand failed and is left out."""


def prepare(
    sources: Sequence[SourceSubject], folder: Path, options: PrepareOptions, progress: PrepareProgress
) -> list[Outcome]:
    """Write a dataset, or go on with one.

    A subject that is there and was made from the same files with the same options is kept. One that fails is told
    of, written to `failed.json`, and left out.

    Args:
        sources: from `sources.find_subjects`.
        folder: of the dataset; made if it is not there.
        options: see there.
        progress: told what happens.

    Raises:
        FileAccessError: the dataset cannot be written; what is complete stays.
    """
    dataset = create_dataset(folder, options.protocol)
    _check_space(folder, len(sources))
    outcomes = []
    for index, source in enumerate(sources):
        progress.begin(index)
        outcomes.append(_prepare_one(source, dataset, options, progress))
    failed = {o.name: {"message": o.error.message, "hint": o.error.hint} for o in outcomes if o.error}
    if failed or (folder / FAILED).exists():
        write_json(folder / FAILED, failed)
    write_split(folder, _split(sources, Dataset(folder), options))
    return outcomes


def _prepare_one(
    source: SourceSubject, dataset: Dataset, options: PrepareOptions, progress: PrepareProgress
) -> Outcome:
    try:
        files = {kind: SourceFile(path.name, file_sha256(path)) for kind, path in source.files.items()}
        inputs = _inputs_hash(source, files, options)
        if _is_done(dataset, source.name, inputs):
            progress.stage("kept", 1.0)
            return Outcome(source.name, "kept")
        protocol = find_protocol(options.protocol)
        made = make_subject(source, options.overrides or None, options.register, protocol, progress)
    except CancelledError:
        raise
    except BrainFMError as error:  # the next subject may be fine
        progress.error(error)
        return Outcome(source.name, "failed", error)
    except (MemoryError, ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        explained = BrainFMError(f"{source.name} cannot be prepared: {type(error).__name__} {error}"[:300])
        progress.error(explained)
        return Outcome(source.name, "failed", explained)
    progress.stage("writing", 0.95)
    info = replace(made.info, sources=files, inputs=inputs)
    write_subject(dataset.folder, made.subject, info, made.mask)
    progress.stage("done", 1.0)
    return Outcome(source.name, "prepared")


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


def _check_space(folder: Path, subjects: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < BYTES_PER_SUBJECT:
        raise FileAccessError(f"the disk of {folder} has {free >> 20} MiB free", f"{subjects} subjects need more.")


def _split(sources: Sequence[SourceSubject], dataset: Dataset, options: PrepareOptions) -> Split:
    """Return the split with new subjects added; who has a part already keeps it, so that no test subject is lost."""
    infos = [dataset.info(name) for name in dataset.names()]
    told = {source.name: source.part for source in sources if source.part}
    there = {info.name for info in infos}
    kept = dataset.split
    kept = Split(*(tuple(n for n in kept.part(part) if n in there) for part in PARTS), excluded=kept.excluded)
    new = [info for info in infos if info.name not in kept.names]
    asked = Split(*(tuple(i.name for i in new if told.get(i.name) == part) for part in PARTS))
    rest = [info for info in new if info.name not in told]
    return kept.joined(asked).joined(_beside_relatives(kept, infos, rest, options))


def _beside_relatives(kept: Split, infos: list[SubjectInfo], rest: list[SubjectInfo], options: PrepareOptions) -> Split:
    """Put new scans of a known person into that person's part, and divide the others."""
    person_of = {info.name: _person(info) for info in infos}
    part_of = {person_of[name]: part for part in PARTS for name in kept.part(part) if name in person_of}
    known = Split(*(tuple(i.name for i in rest if part_of.get(_person(i)) == part) for part in PARTS))
    others = [info for info in rest if _person(info) not in part_of]
    if options.held_out is None:
        groups = {info.name: _person(info) for info in others}
        return known.joined(random_split(list(groups), options.fractions, options.seed, groups))
    return known.joined(split_by_collection(others, options.held_out, options.fractions, options.seed))


def _person(info: SubjectInfo) -> str:
    return f"{info.collection}/{info.person}"


def check_new_folder(folder: Path, source: Path) -> None:
    """Refuse to write a dataset into its own source, or over a file.

    Raises:
        UsageError: with the reason.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", "Give a folder for the dataset.")
    if folder.exists() and source.exists() and folder.resolve() == source.resolve():
        raise UsageError("the dataset cannot be written into its own source", "Give another folder.")
