"""What `brainfm dataset` does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from BrainFMEngine.cli.reporting import Reporter
from BrainFMEngine.cli.run_command import run_command
from BrainFMEngine.errors import UsageError


def run_split(dataset: Path, moves: Sequence[str], file: Path | None, reporter: Reporter) -> int:
    """Move subjects if asked to, tell the split, and return the exit code."""
    return run_command(reporter, [dataset], [], partial(_split, dataset, moves, file, reporter), "Nothing was changed")


def run_picture(dataset: Path, subject: str, output: Path, reporter: Reporter) -> int:
    """Draw a subject and return the exit code."""
    return run_command(reporter, [dataset], [], partial(_picture, dataset, subject, output, reporter))


def _split(dataset: Path, texts: Sequence[str], file: Path | None, reporter: Reporter) -> int:
    from BrainFMEngine.dataset.folder import DatasetFolder
    from BrainFMEngine.dataset.split_edit import PLACES, move_subjects, parse_moves, read_moves

    moves = read_moves(file) if file is not None else {}
    moves |= parse_moves(texts)
    split = move_subjects(dataset, moves) if moves else DatasetFolder(dataset).split
    parts = {place: list(getattr(split, place)) for place in PLACES}
    text = "\n".join(f"{place}: {len(names)}  {' '.join(names)}" for place, names in parts.items() if names)
    reporter.tell("split", text, **parts)
    return 0


def _picture(dataset: Path, subject: str, output: Path, reporter: Reporter) -> int:
    from BrainFMEngine.dataset.picture import write_picture

    if output.suffix.lower() != ".png":
        raise UsageError(f"{output.name} is no name for a picture", "Give it the ending .png.")
    write_picture(dataset, subject, output)
    reporter.output("picture", output)
    return 0
