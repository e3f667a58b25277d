"""Subjects that are read when a sample is made of them; as many stay in memory as there is room for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import overload

import torch

from BrainFMEngine.generator.subject import Subject

MEMORY_SHARE = 0.6
"""How much of what a step leaves free subjects may take; files that are read need room, too."""


@dataclass(frozen=True)
class ShelvedSubject:
    """A subject, in memory or not.

    Attributes:
        name: of the subject.
        is_real: whether it brings its own images.
        nbytes: of memory that it takes.
    """

    name: str
    is_real: bool
    nbytes: int
    shelf: SubjectShelf = field(repr=False, compare=False)

    def read(self) -> Subject:
        """Return the subject on the shelf's device."""
        return self.shelf.read(self.name)


class SubjectShelf(Sequence[ShelvedSubject]):
    """A part of a data set. Those used last stay in memory; the others are read again when they are needed.

    Samples are the same however little memory there is. Safe for several threads.

    Args:
        load: reads a subject by its name.
        budget: bytes that subjects in memory may take together; the one in use is there in any case. None: no limit.
        device: where subjects are kept.
    """

    def __init__(self, load: Callable[[str], Subject], budget: int | None = None, device: torch.device | str = "cpu"):
        self._load, self.budget, self.device = load, budget, torch.device(device)
        self._members: list[ShelvedSubject] = []
        self._held: OrderedDict[str, Subject] = OrderedDict()
        self._held_bytes = 0
        self._guard = threading.Lock()

    def add(self, subject: Subject) -> None:
        """Put a subject, read just now, at the end."""
        self._members.append(ShelvedSubject(subject.name, subject.is_real, subject_bytes(subject), self))
        with self._guard:
            self._hold(subject.to(self.device))

    def read(self, name: str) -> Subject:
        """Return a subject.

        Raises:
            FileAccessError, InputImageError: it cannot be read any more.
        """
        with self._guard:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]
            self._make_room(next(member.nbytes for member in self._members if member.name == name))
            subject = self._load(name).to(self.device)
            self._hold(subject)
            return subject

    @property
    def nbytes(self) -> int:
        """Bytes that all would take."""
        return sum(member.nbytes for member in self._members)

    @property
    def held_bytes(self) -> int:
        """Bytes that those in memory take."""
        return self._held_bytes

    @overload
    def __getitem__(self, index: int) -> ShelvedSubject: ...
    @overload
    def __getitem__(self, index: slice) -> list[ShelvedSubject]: ...
    def __getitem__(self, index: int | slice) -> ShelvedSubject | list[ShelvedSubject]:
        return self._members[index]

    def __len__(self) -> int:
        return len(self._members)

    def _hold(self, subject: Subject) -> None:
        size = subject_bytes(subject)
        self._make_room(size)
        self._held[subject.name] = subject
        self._held_bytes += size

    def _make_room(self, size: int) -> None:
        while self._held and self.budget is not None and self._held_bytes + size > self.budget:
            _, leaving = self._held.popitem(last=False)
            self._held_bytes -= subject_bytes(leaving)


def subject_bytes(subject: Subject | ShelvedSubject) -> int:
    """Return the memory that a subject takes."""
    if isinstance(subject, ShelvedSubject):
        return subject.nbytes
    tensors = [subject.rows, subject.distance, subject.atlas_mm, *subject.images.values()]
    return sum(tensor.nbytes for tensor in tensors if tensor is not None)


def room_for_subjects(free_bytes: int | None, step_bytes: int, processes: int = 1) -> int | None:
    """Return how many bytes of subjects may stay in memory; None where it is not known what is free.

    Args:
        free_bytes: of the device that subjects are kept on.
        step_bytes: that a step takes there.
        processes: that share it.
    """
    if free_bytes is None:
        return None
    return max(0, int(MEMORY_SHARE * (free_bytes / processes - step_bytes)))
