"""Subjects prepared by several processes, told of as if one did it; one that dies takes only its subject along."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any, Protocol

import torch

from BrainFMEngine.dataset.dataset import Dataset
from BrainFMEngine.dataset.prepare_one import (
    Outcome,
    PrepareOptions,
    SubjectProgress,
    failed,
    is_prepared,
    prepare_one,
)
from BrainFMEngine.dataset.source_subject import SourceSubject
from BrainFMEngine.errors import BrainFMError

ENDING_SECONDS = 10.0
TOLD, OUTCOME, RAISED, DIED = "told", "outcome", "raised", "died"


class PrepareProgress(SubjectProgress, Protocol):
    """Told which subject is at hand, and what happens to it."""

    def begin(self, index: int) -> None:
        """Go to the next subject."""


def prepare_in_processes(
    sources: Sequence[SourceSubject], folder: Path, options: PrepareOptions, progress: PrepareProgress, jobs: int
) -> list[Outcome]:
    """Prepare subjects, `jobs` at once.

    Args:
        sources: at least one.
        folder: of the dataset, which is there.
        options: see there.
        progress: told the same in the same order as by one process.
        jobs: processes.

    Returns:
        What became of every source; where its process ended before it was done, it failed.

    Raises:
        BaseException: whatever `prepare_one` raises; the other processes are ended.
    """
    context = multiprocessing.get_context("spawn")
    told = _InOrder(progress, len(sources))
    waiting = deque(range(len(sources)))
    outcomes: dict[int, Outcome] = {}
    workers: list[_Worker] = []
    try:
        while len(outcomes) < len(sources):
            while waiting and len(workers) < jobs:
                index = waiting.popleft()
                workers.append(_Worker(context, folder, options, index, sources[index]))
            for worker in _with_news(workers):
                index = worker.index
                kind, content = worker.receive()
                if kind == TOLD:
                    told.tell(index, *content)
                    continue
                if kind == RAISED:
                    error, text = content
                    raise error from RuntimeError(text)
                if kind == DIED:
                    workers.remove(worker)
                    worker.end(ENDING_SECONDS)
                    content = _after_death(worker, sources[index], Dataset(folder), options, told.of(index))
                elif waiting:
                    worker.begin(waiting[0], sources[waiting.popleft()])
                outcomes[index] = content
                told.end(index)
    finally:
        for worker in workers:
            worker.end()
    return [outcomes[index] for index in range(len(sources))]


class _InOrder:
    """Tells of the first subject that is not done at once, and of the others when their turn comes."""

    def __init__(self, progress: PrepareProgress, count: int):
        self._progress, self._turn = progress, 0
        self._untold: list[list[tuple[str, tuple]]] = [[] for _ in range(count)]
        self._ended = [False] * count
        progress.begin(0)

    def tell(self, index: int, kind: str, words: tuple) -> None:
        """Pass a call of a `SubjectProgress` on."""
        if index == self._turn:
            getattr(self._progress, kind)(*words)
        else:
            self._untold[index].append((kind, words))

    def of(self, index: int) -> _Relay:
        """Return the progress of one subject."""
        return _Relay(lambda kind, words: self.tell(index, kind, words))

    def end(self, index: int) -> None:
        """Go on, once a subject is done, to the next that is not."""
        self._ended[index] = True
        while self._turn < len(self._ended) and self._ended[self._turn]:
            self._turn += 1
            if self._turn < len(self._ended):
                self._progress.begin(self._turn)
                for kind, words in self._untold[self._turn]:
                    getattr(self._progress, kind)(*words)


class _Relay:
    """Progress that is told elsewhere."""

    def __init__(self, tell: Any):
        self._tell = tell

    def stage(self, name: str, fraction: float) -> None:
        """Pass the stage on."""
        self._tell("stage", (name, fraction))

    def warning(self, message: str) -> None:
        """Pass the warning on."""
        self._tell("warning", (message,))

    def error(self, error: BaseException) -> None:
        """Pass the error on."""
        self._tell("error", (error,))


class _Worker:
    """A process, seen from the one that started it; `index` is of the subject that it works on."""

    def __init__(self, context: SpawnContext, folder: Path, options: PrepareOptions, index: int, source: SourceSubject):
        self.connection, theirs = context.Pipe()
        threads = torch.get_num_threads()  # with others, sums could be rounded differently
        self.process = context.Process(target=_work, args=(theirs, folder, options, threads), daemon=True)
        self.process.start()
        theirs.close()  # so that the end of the process is the end of the connection
        self.begin(index, source)

    def begin(self, index: int, source: SourceSubject) -> None:
        """Hand a subject over."""
        self.index = index
        with suppress(OSError):  # it died; `receive` will say so
            self.connection.send(source)

    def receive(self) -> tuple[str, Any]:
        """Return the next message of the process: its kind and what it says."""
        try:
            return self.connection.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            return DIED, None

    def end(self, patience: float = 0.0) -> None:
        """End the process, whatever it does, unless it ends by itself within so many seconds."""
        self.process.join(patience)
        self.process.terminate()
        self.process.join(ENDING_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(ENDING_SECONDS)
        self.connection.close()


def _with_news(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait until a process says something or ends."""
    ready = wait([worker.connection for worker in workers])
    return [worker for worker in workers if worker.connection in ready]


def _after_death(
    worker: _Worker, source: SourceSubject, dataset: Dataset, options: PrepareOptions, progress: SubjectProgress
) -> Outcome:
    """Return what became of a subject whose process ended."""
    if is_prepared(source, dataset, options):  # and nothing but telling was left to do
        return Outcome(source.name, "prepared")
    code = worker.process.exitcode
    how = f"ended with code {code}"
    if code is not None and code < 0:
        how = f"was ended by signal {-code} ({signal.strsignal(-code)})"
    text = f"{source.name} cannot be prepared: its process {how}"
    return failed(source, BrainFMError(text, "If memory ran out, try fewer --jobs."), progress)


def _work(connection: Connection, folder: Path, options: PrepareOptions, threads: int) -> None:
    """Prepare what comes along the connection, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout = sys.stderr  # standard output belongs to the first process
    torch.set_num_threads(threads)
    relay = _Relay(lambda kind, words: connection.send((TOLD, (kind, words))))
    with suppress(EOFError, OSError):
        while True:
            source = connection.recv()
            message: tuple[str, Any]
            try:
                message = OUTCOME, prepare_one(source, Dataset(folder), options, relay)
            except Exception as error:
                message = RAISED, (_portable(error), traceback.format_exc())
            connection.send(message)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone: nobody would hold the lock for what it writes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _portable(error: Exception) -> Exception:
    """Return the error, or one that says the same if it cannot be sent to another process."""
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
