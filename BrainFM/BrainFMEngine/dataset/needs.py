"""What training on a dataset will need of this machine, beside what the machine has free."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from BrainFMEngine.dataset.subject_checks import Problem
from BrainFMEngine.errors import FileAccessError
from BrainFMEngine.inference.available import host_available_bytes

FREE_BYTES = 2 << 30
"""Disk that a training run should find free for its checkpoints."""
MEMORY_SHARE = 0.8
GIB = 1 << 30


@dataclass(frozen=True)
class Needs:
    """Bytes.

    Attributes:
        subjects: of memory that the subjects for training and validation would take, in every process that trains.
        memory_free: main memory that is available now.
        dataset: of disk that the dataset takes.
        disk_free: on the dataset's disk.
    """

    subjects: int
    memory_free: int
    dataset: int
    disk_free: int

    def problems(self) -> list[Problem]:
        """Return what is too little."""
        problems = []
        if self.subjects > MEMORY_SHARE * self.memory_free:
            text = f"its subjects take {self.subjects / GIB:.1f} GiB of memory, {self.memory_free / GIB:.1f} are free"
            hint = "Those that do not fit are read anew while training, which is slower; the result is the same."
            problems.append(Problem(None, "warning", text, hint))
        if self.disk_free < FREE_BYTES:
            text = f"the disk has {self.disk_free / GIB:.1f} GiB free"
            problems.append(Problem(None, "warning", text, "A training run writes checkpoints."))
        return problems

    def sentence(self) -> str:
        """Return it in words."""
        return (
            f"subjects for training and validation take up to {self.subjects / GIB:.1f} GiB of memory in each process "
            f"that trains, {self.memory_free / GIB:.1f} GiB are free; the dataset takes {self.dataset / GIB:.1f} GiB "
            f"of disk, {self.disk_free / GIB:.1f} GiB are free"
        )


def measure_needs(folder: Path, subjects: int) -> Needs:
    """Measure this machine.

    Args:
        folder: of the dataset.
        subjects: bytes of the arrays that are read for training and validation.

    Raises:
        FileAccessError: the folder is gone.
    """
    try:
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise FileAccessError(f"cannot read {folder}: {error.strerror or error}", "Is it there still?") from error
    return Needs(subjects, host_available_bytes(), size, free)
