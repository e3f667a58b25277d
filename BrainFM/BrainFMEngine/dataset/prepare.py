"""Preparing a dataset: every subject of a source, each complete or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from BrainFMEngine.dataset.dataset import Dataset, create_dataset
from BrainFMEngine.dataset.files import write_json
from BrainFMEngine.dataset.folder import FAILED, write_split
from BrainFMEngine.dataset.in_use import PREPARE_LOCK
from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.dataset.prepare_one import Outcome, PrepareOptions, prepare_one
from BrainFMEngine.dataset.source_subject import SourceSubject
from BrainFMEngine.dataset.split import PARTS, Split, random_split, split_by_collection
from BrainFMEngine.dataset.workers import PrepareProgress, prepare_in_processes
from BrainFMEngine.errors import FileAccessError, UsageError
from BrainFMEngine.folder_lock import FolderLock

BYTES_PER_SUBJECT = 32 << 20


def prepare(
    sources: Sequence[SourceSubject],
    folder: Path,
    options: PrepareOptions,
    progress: PrepareProgress,
    jobs: int = 1,
) -> list[Outcome]:
    """Write a dataset, or go on with one.

    A subject that is there and was made from the same files with the same options is kept. One that fails is told
    of, written to `failed.json`, and left out.

    Args:
        sources: from `sources.find_subjects`.
        folder: of the dataset; made if it is not there.
        options: see there.
        progress: told what happens.
        jobs: subjects at once, each in a process of its own; the dataset is the same, to the last bit.

    Raises:
        UsageError: another process prepares this dataset.
        FileAccessError: the dataset cannot be written; what is complete stays.
    """
    with FolderLock(folder / PREPARE_LOCK, "preparation"):
        dataset = create_dataset(folder, options.protocol)
        _check_space(folder, len(sources))
        if min(jobs, len(sources)) > 1:
            outcomes = prepare_in_processes(sources, folder, options, progress, jobs)
        else:
            outcomes = [_begun(index, source, dataset, options, progress) for index, source in enumerate(sources)]
        failed = {o.name: {"message": o.error.message, "hint": o.error.hint} for o in outcomes if o.error}
        if failed or (folder / FAILED).exists():
            write_json(folder / FAILED, failed)
        write_split(folder, _split(sources, Dataset(folder), options))
    return outcomes


def _begun(
    index: int, source: SourceSubject, dataset: Dataset, options: PrepareOptions, progress: PrepareProgress
) -> Outcome:
    progress.begin(index)
    return prepare_one(source, dataset, options, progress)


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
    kept = Split(**{p: tuple(n for n in kept.part(p) if n in there) for p in PARTS}, excluded=kept.excluded)
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
