"""The folder that results go to: checked before any work, filled as a set, restored if that fails.

Files are written into a temporary folder beside the target (same file system) and renamed at the end. The report is
renamed last: a folder with a report is complete.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from BrainFMEngine.errors import FileAccessError, UsageError
from BrainFMEngine.outputs.naming import REPORT, RESULT_ENDINGS
from BrainFMEngine.outputs.options import OutputOptions
from BrainFMEngine.outputs.publish import TEMPORARY_PREFIX, temporary_in

_logger = logging.getLogger(__name__)


def check_target(folder: Path, stem: str, options: OutputOptions, source: Path | None = None) -> None:
    """Make sure that results can be written to `folder/stem`; call it before inference. Nothing stays on disk.

    Args:
        folder: the output folder, which need not exist.
        stem: name of the sub-folder and first part of every file name.
        options: whether an earlier result may be replaced.
        source: the input image, which must not be overwritten.

    Raises:
        UsageError: results (or the user's own files of such names) are there, or the input would be overwritten.
        FileAccessError: the folder cannot be written to.
    """
    folder = Path(folder)
    target = folder / stem
    _refuse_files_as_folders(target)
    existing = _results_in(target, stem)
    if source is not None and any(_same_file(source, path) for path in existing):
        raise UsageError(f"the results would overwrite the input {source}", "Choose another output folder.")
    if existing and not options.overwrite:
        complete = any(path.name == f"{stem}_{REPORT}" for path in existing)
        what = "complete results" if complete else f"files such as {existing[0].name}"
        raise UsageError(f"{target} already has {what}", "Choose another folder, or replace them with --overwrite.")
    _probe(target)


@contextmanager
def staged(folder: Path, stem: str, options: OutputOptions, source: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder to write into; on success its files become `folder/stem/*` as one set.

    Raises:
        FileAccessError: disk full, no permission; the temporary folder is gone and older results are as they were.
    """
    check_target(folder, stem, options, source)
    with temporary_in(Path(folder)) as temporary:
        new = temporary / "new"
        new.mkdir()
        yield new
        check_target(folder, stem, options, source)
        _publish(new, temporary / "old", Path(folder) / stem, stem)


def _refuse_files_as_folders(target: Path) -> None:
    try:
        wrong = next((place for place in (target, *target.parents) if place.exists() and not place.is_dir()), None)
    except OSError as error:
        reason = error.strerror or error
        raise FileAccessError(f"the folder {target} cannot be used: {reason}", "Choose another folder.") from error
    if wrong is not None:
        raise FileAccessError(f"{wrong} is a file, so results cannot go into it", "Choose another folder.")


def _results_in(target: Path, stem: str) -> list[Path]:
    try:
        present = {path.name for path in target.iterdir()} if target.is_dir() else set()
    except OSError as error:
        raise FileAccessError(
            f"the folder {target} cannot be read: {error.strerror}", "Check its permissions."
        ) from error
    wanted = sorted(f"{stem}_{ending}" for ending in RESULT_ENDINGS)
    return [target / name for name in wanted if name in present]


def _same_file(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _probe(target: Path) -> None:
    place = next(place for place in (target, *target.absolute().parents) if place.is_dir())
    try:
        os.rmdir(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=place))
    except OSError as error:
        reason = error.strerror or error
        raise FileAccessError(f"the folder {place} cannot be written to: {reason}", "Choose another folder.") from error


def _publish(new: Path, old: Path, target: Path, stem: str) -> None:
    names = sorted((path.name for path in new.iterdir()), key=lambda name: (name == f"{stem}_{REPORT}", name))
    if not target.exists():
        os.rename(new, target)
        return
    old.mkdir()
    retired, placed = [], []
    try:
        for name in reversed(_replaced_names(target, stem, names)):
            os.replace(target / name, old / name)
            retired.append(name)
        for name in names:
            os.replace(new / name, target / name)
            placed.append(name)
    except BaseException:
        _restore(target, old, placed, retired)
        raise


def _replaced_names(target: Path, stem: str, names: Sequence[str]) -> list[str]:
    """Names to move away: what is about to be replaced, and what the earlier report lists; the report last."""
    report = target / f"{stem}_{REPORT}"
    listed: set[str] = set()
    try:
        listed = set(json.loads(report.read_text(encoding="utf-8"))["outputs"].values())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        _logger.debug("no earlier report in %s", target)
    own = {f"{stem}_{ending}" for ending in RESULT_ENDINGS}
    present = {name for name in (listed & own) | set(names) if (target / name).exists()}
    return sorted(present, key=lambda name: (name == report.name, name))


def _restore(target: Path, old: Path, placed: Sequence[str], retired: Sequence[str]) -> None:
    for name in placed:
        (target / name).unlink(missing_ok=True)
    for name in reversed(retired):
        os.replace(old / name, target / name)
