"""Finding the subjects of a source, whatever its layout."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from BrainFMEngine.dataset.authors_source import find_flat, find_folders, is_flat, is_folders
from BrainFMEngine.dataset.bids_source import find_bids
from BrainFMEngine.dataset.freesurfer_source import find_freesurfer, is_freesurfer
from BrainFMEngine.dataset.label_map_source import find_label_maps
from BrainFMEngine.dataset.source_subject import SourceSubject
from BrainFMEngine.dataset.table_source import find_in_table
from BrainFMEngine.errors import FileAccessError, UsageError, nearest_name

LAYOUTS = {
    "bids": find_bids,
    "freesurfer": find_freesurfer,
    "brainfm": find_flat,
    "brain-id": find_folders,
    "labels": find_label_maps,
    "table": find_in_table,
}


def find_subjects(source: Path, layout: str = "auto") -> list[SourceSubject]:
    """Find subjects.

    Args:
        source: folder, or CSV file.
        layout: one of `LAYOUTS`, or "auto".

    Returns:
        The subjects, sorted by name.

    Raises:
        FileAccessError: the source is not there.
        UsageError: no such layout, no subjects, or two of the same name.
    """
    if layout not in (*LAYOUTS, "auto"):
        raise UsageError(f"there is no layout {layout!r}", nearest_name(layout, [*LAYOUTS, "auto"]))
    if not source.exists():
        raise FileAccessError(f"cannot read {source}: there is no such file or folder", "Check the path.")
    if source.is_file() and layout not in ("auto", "table") or source.is_dir() and layout == "table":
        raise UsageError(f"{source} cannot have the layout {layout!r}", "A table is a CSV file, others are folders.")
    layout = recognise_layout(source) if layout == "auto" else layout
    try:
        subjects = sorted(LAYOUTS[layout](source), key=lambda subject: subject.name)
    except OSError as error:
        raise FileAccessError(f"cannot read {source}: {error.strerror or error}", "Check permissions.") from error
    if not subjects:
        raise UsageError(f"no subject was found in {source} ({layout})", "'brainfm prepare --help' lists the layouts.")
    counts = Counter(subject.name.lower() for subject in subjects)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise UsageError(f"{source} has several subjects called {', '.join(twice[:5])}", "Rename their files.")
    return subjects


def recognise_layout(source: Path) -> str:
    """Tell what layout a source has.

    Raises:
        FileAccessError: it cannot be read.
    """
    try:
        return _recognised(source)
    except OSError as error:
        raise FileAccessError(f"cannot read {source}: {error.strerror or error}", "Check permissions.") from error


def _recognised(source: Path) -> str:
    if source.is_file():
        return "table"
    if any(path.is_dir() for path in source.glob("sub-*")) and not any(source.glob("sub-*/mri")):
        return "bids"
    if is_freesurfer(source):
        return "freesurfer"
    if is_flat(source):
        return "brainfm"
    return "brain-id" if is_folders(source) else "labels"
