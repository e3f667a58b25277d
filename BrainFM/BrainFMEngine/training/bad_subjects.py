"""Subjects whose files go bad while a run trains: left out, told once, and too many end the run."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence

from BrainFMEngine.dataset.dataset import BAD_SHARE
from BrainFMEngine.errors import FileAccessError, InputImageError, UsageError
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.training.events import TrainingEvents
from BrainFMEngine.training.logbook import Logbook
from BrainFMEngine.training.subject_shelf import ShelvedSubject

UNREADABLE = (FileAccessError, InputImageError, UsageError)
"""What reading raises where a subject's files are gone, cut off or damaged; a lack of memory is none of them."""
TOLERATED = 2
"""So many failures never end a run: early on, they would be a large share of few samples."""
NAMED = 5
HINT = "Put the files back and resume the run; 'brainfm prepare --check' says what is wrong."


class BadSubjects:
    """What could not be read any more since this process began; such a subject is not tried again.

    A sample that was to be made of one is made of the next subject that can be read, with the same random numbers:
    which one follows from the order of the subjects and from who is bad. Processes that train together each keep their
    own record: a subject may be left out in one and still be held in the memory of another.

    The feed's thread reads; the trainer's thread calls `tell`.

    Attributes:
        reasons: subject -> why it is left out, in the order met.
        drawn: samples asked for, those of a mini-batch counted as one.
        failed: how many of them were to be made of a bad subject.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self.drawn = self.failed = 0
        self._untold: queue.SimpleQueue[str] = queue.SimpleQueue()

    def try_read(self, subject: Subject | ShelvedSubject) -> Subject | None:
        """Return a subject, or None if it cannot be read or could not before."""
        if not isinstance(subject, ShelvedSubject):
            return subject
        if subject.name in self.reasons:
            return None
        try:
            return subject.read()
        except UNREADABLE as error:
            self.reasons[subject.name] = error.message
            self._untold.put(f"{subject.name} is left out from now on: {error.message}")
            return None

    def read_or_next(self, drawn: Subject | ShelvedSubject, subjects: Sequence[Subject | ShelvedSubject]) -> Subject:
        """Return the subject drawn for a sample or, if it is bad, the next one: of its kind, with scans or without.

        Args:
            drawn: one of `subjects`.
            subjects: those for training, in their order.

        Raises:
            InputImageError: more than 1 % of the samples, and more than two, failed so far; or no subject is left.
        """
        self.drawn += 1
        found = self.try_read(drawn)
        if found is not None:
            return found
        self.failed += 1
        if self.failed > max(TOLERATED, BAD_SHARE * self.drawn):
            text = f"{self.failed} of {self.drawn} samples were to be made of subjects that cannot be read any more"
            raise InputImageError(f"{text}: {self._listed(subjects)}", HINT)
        for other in _after(drawn, subjects):
            found = self.try_read(other)
            if found is not None:
                return found
        raise self.none_left(subjects, "train on")

    def none_left(self, subjects: Sequence[Subject | ShelvedSubject], what: str) -> InputImageError:
        """Return the error that says that all are bad; `what` they were for, such as "train on"."""
        return InputImageError(f"no subject to {what} can be read any more: {self._listed(subjects)}", HINT)

    @property
    def note(self) -> str:
        """One sentence on how many are left out, for `run.json`; "" if none is."""
        if not self.reasons:
            return ""
        count = "1 subject is" if len(self.reasons) == 1 else f"{len(self.reasons)} subjects are"
        return f"{count} left out, unreadable since the run began: {_joined(list(self.reasons))}"

    def tell(self, step: int, events: TrainingEvents, log: Logbook | None) -> None:
        """Warn of those not told yet: an event, and a line of the log with "warning" in place of the losses."""
        while not self._untold.empty():
            text = self._untold.get()
            events.warning(text)
            if log is not None:
                log.log(step, {"warning": text})

    def _listed(self, subjects: Sequence[Subject | ShelvedSubject]) -> str:
        names = {subject.name for subject in subjects}
        bad = [name for name in self.reasons if name in names]
        return f"{_joined(bad)} ({self.reasons[bad[-1]]})"


def _after(
    drawn: Subject | ShelvedSubject, subjects: Sequence[Subject | ShelvedSubject]
) -> Iterator[Subject | ShelvedSubject]:
    """Yield the others, beginning behind the one drawn and going round: first those of its kind."""
    start = next(index for index, subject in enumerate(subjects) if subject is drawn)
    others = [subjects[(start + step) % len(subjects)] for step in range(1, len(subjects))]
    return iter(sorted(others, key=lambda subject: subject.is_real != drawn.is_real))


def _joined(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
