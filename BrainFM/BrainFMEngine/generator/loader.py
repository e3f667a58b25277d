"""Batches while the network trains: the next ones are made in the background."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.generator import Sample, generate
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.generator.subject import Subject

STREAM = 3


class BatchLoader:
    """Endless intra-subject mini-batches, one per step; step k of a seed is the same batch in every run.

    Iterating starts one thread that keeps `ahead` batches ready; torch releases the interpreter while it computes. An
    error in the thread is raised where the next batch is asked for. Leaving the loop early: call `close`, or use the
    loader as a context manager.
    """

    def __init__(
        self, subjects: Sequence[Subject], options: GeneratorOptions, seed: int, first_step: int = 0, ahead: int = 1
    ):
        if not subjects:
            raise UsageError("there is no subject to make samples from")
        self.subjects, self.options, self.seed = subjects, options, seed
        self._step = first_step
        self._ready: queue.Queue[list[Sample] | BaseException] = queue.Queue(maxsize=max(1, ahead))
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def batch(self, step: int) -> list[Sample]:
        """Make the batch of a step now, in this thread."""
        rng = np.random.default_rng((self.seed, STREAM, step))
        subject = self.subjects[int(rng.integers(len(self.subjects)))]
        return generate(subject, self.options, int(rng.integers(2**31)))

    def __iter__(self) -> Iterator[list[Sample]]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
            self._thread.start()
        while not self._closed.is_set():
            item = self._ready.get()
            if isinstance(item, BaseException):
                self.close()
                raise item
            yield item

    def __enter__(self) -> BatchLoader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the thread; batches in the making are dropped."""
        self._closed.set()
        while self._thread is not None and self._thread.is_alive():
            try:
                self._ready.get_nowait()
            except queue.Empty:
                self._thread.join(timeout=0.05)

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                item: list[Sample] | BaseException = self.batch(self._step)
            except BaseException as error:
                item = error
            self._step += 1
            self._offer(item)
            if isinstance(item, BaseException):
                return

    def _offer(self, item: list[Sample] | BaseException) -> None:
        while not self._closed.is_set():
            try:
                self._ready.put(item, timeout=0.1)
                return
            except queue.Full:
                continue
