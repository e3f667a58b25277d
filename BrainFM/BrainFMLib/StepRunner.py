"""Long work in short steps on the GUI thread: a generator that is advanced by a timer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import qt

from BrainFMLib.Steps import Waiting

_SLICE_S = 0.03
_WAIT_MS = 30


class StepRunner:
    """Runs a generator to its end without holding the event loop.

    Between two returns to the event loop steps are taken for at most about 30 ms, or one step if it takes longer. A
    step that only waits (it yields `Steps.Waiting`, alone or at the end of a tuple) gives the event loop time.

    Args:
        steps: the generator; what it yields goes to `onStep`.
        onStep: called with each yielded value.
        onDone: called with the generator's return value.
        onError: called with the exception that ended it.
    """

    def __init__(
        self,
        steps: Iterator[Any],
        onStep: Callable[[Any], None],
        onDone: Callable[[Any], None],
        onError: Callable[[Exception], None],
    ):
        self._steps: Iterator[Any] | None = steps
        self._onStep, self._onDone, self._onError = onStep, onDone, onError
        self._advancing = self._stopping = False
        qt.QTimer.singleShot(0, self._advance)

    @property
    def running(self) -> bool:
        """Whether steps are left."""
        return self._steps is not None

    def stop(self) -> None:
        """End the work now: the generator's `finally` parts run, and nothing is called any more."""
        self._stopping = True
        if self._advancing:
            return  # called from within a step: a generator cannot be closed while it runs
        steps, self._steps = self._steps, None
        if steps is not None and hasattr(steps, "close"):
            steps.close()

    def _advance(self) -> None:
        if self._steps is None:
            return
        end = time.monotonic() + _SLICE_S
        finish: Callable[[], None] | None = None
        waits = False
        self._advancing = True
        try:
            while not waits and not self._stopping and time.monotonic() < end:
                step = next(self._steps)
                waits = isinstance(step[-1] if isinstance(step, tuple) else step, Waiting)
                self._onStep(step)
        except StopIteration as stop:
            value = stop.value
            finish = lambda: self._onDone(value)  # noqa: E731
        except Exception as error:
            problem = error
            finish = lambda: self._onError(problem)  # noqa: E731
        finally:
            self._advancing = False
        if self._stopping:
            self.stop()
        elif finish is not None:
            self._steps = None
            finish()
        else:
            qt.QTimer.singleShot(_WAIT_MS if waits else 0, self._advance)
