"""The loop of a run: steps, trials, checkpoints, logs; and every way it goes wrong, stops and goes on.

A run that was killed at any instant and is resumed continues bit for bit on the same kind of device and number of
threads: everything that decides the next step is in the checkpoint or follows from the recipe and the step's number.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from BrainFMEngine import __version__
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.training import checkpoints
from BrainFMEngine.training.bad_subjects import BadSubjects
from BrainFMEngine.training.checkpoints import BEST, LAST, checkpoint_path, keep_checkpoint, save_checkpoint, step_name
from BrainFMEngine.training.distributed import Group
from BrainFMEngine.training.early_stop import EarlyStop
from BrainFMEngine.training.events import TrainingEvents
from BrainFMEngine.training.feed import TrainingFeed
from BrainFMEngine.training.guard import Action, NotFiniteGuard, NotFiniteRunError
from BrainFMEngine.training.learner import Learner, StepResult
from BrainFMEngine.training.logbook import Logbook
from BrainFMEngine.training.pictures import keep_picture
from BrainFMEngine.training.random_state import capture_random_state, restore_random_state
from BrainFMEngine.training.recipe import Recipe, recipe_to_json
from BrainFMEngine.training.resources import ResourceMeter
from BrainFMEngine.training.run_folder import RunFolder
from BrainFMEngine.training.schedule import learning_rate
from BrainFMEngine.training.stop import StopSignal
from BrainFMEngine.training.subject_shelf import ShelvedSubject
from BrainFMEngine.training.validation import Validation

CHECKPOINTS = "checkpoints"
SOFTWARE = f"brainfm {__version__}, torch {torch.__version__}"
KEPT_PERIODIC = 5
REMEMBERED_STEPS = 50
"""The time left is told from the median of so many steps."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: at which step, and why ("" where all steps are done)."""

    step: int
    reason: str


class Trainer:
    """One run.

    Args:
        recipe: what to learn.
        learner: network and optimizer, on their device.
        subjects: those to train on, on the same device, or a shelf of them.
        folder: of the run.
        validation: subjects to try the weights on; None for none.
        group: the processes that train together.
        run: state file of the run; None in processes that do not write.
        stop: who may ask to stop.
        events: told what happens.
        ages: for the age head.
        contents: subject -> SHA-256 of its file, kept in the checkpoints.

    Attributes:
        contents_before: those of the checkpoint that the run was resumed from.
    """

    def __init__(
        self,
        recipe: Recipe,
        learner: Learner,
        subjects: Sequence[Subject | ShelvedSubject],
        folder: Path,
        validation: Validation | None = None,
        group: Group | None = None,
        run: RunFolder | None = None,
        stop: StopSignal | None = None,
        events: TrainingEvents | None = None,
        ages: Mapping[str, float] | None = None,
        contents: Mapping[str, str] | None = None,
    ):
        self.recipe, self.learner, self.subjects, self.folder = recipe, learner, subjects, folder
        self.validation, self.group, self.run_folder = validation, group or Group(), run
        self.stop, self.events, self.ages = stop or StopSignal(), events or TrainingEvents(), ages
        self.contents = dict(contents or {subject.name: "" for subject in subjects})
        self.contents_before: dict[str, str] = {}
        self.guard, self.bad = NotFiniteGuard(), BadSubjects()
        self.early_stop = EarlyStop(recipe.validation.patience, higher_is_better=False)
        self.meter = ResourceMeter(learner.device.type)
        self.step = 0
        self._seconds: deque[float] = deque(maxlen=REMEMBERED_STEPS)
        self._saved_step: int | None = None

    @property
    def checkpoint_folder(self) -> Path:
        """Where the run's states are."""
        return self.folder / CHECKPOINTS

    def resume(self) -> bool:
        """Continue from the last checkpoint that is whole; False if there is none yet.

        Raises:
            DamagedCheckpointError: there are checkpoints, but none can be used.
        """
        warn, is_first = self.events.warning, self.group.is_first
        found = checkpoints.resume_checkpoint(self.checkpoint_folder, warn) if is_first else None
        found = self.group.share(found)
        if found is None:
            return False
        _, state = found
        self._restore(state)
        self.guard.restore(state["guard"])
        self.contents_before = state["contents"]
        if state["software"] != SOFTWARE:
            self.events.warning(f"the run was begun with {state['software']}, this is {SOFTWARE}: bits may differ")
        self._saved_step = self.step
        return True

    def run(self) -> Outcome:
        """Train until all steps are done or somebody asks to stop; the state is saved either way.

        Raises:
            NotFiniteRunError: the loss is not finite again and again.
            DeviceMemoryError, InputImageError: memory ran out; too many subjects cannot be read any more.
            FileAccessError: a checkpoint or log could not be written; the one before is intact. Or the folder is gone.
        """
        with ExitStack() as stack:
            self.log = stack.enter_context(Logbook(self.folder, self.step)) if self.group.is_first else None
            self.feed = stack.enter_context(self._new_feed())
            stack.callback(lambda: self.feed.close())
            if self.run_folder is not None:
                self.run_folder.watch(self.meter.read)
            self._tell_run("running")
            reason = ""
            while self.step < self.recipe.steps and not reason:
                reason = self._stop_reason() or self._one_step()
            if self._saved_step != self.step:
                self.save()
        return Outcome(self.step, reason if self.step < self.recipe.steps else "")

    def save(self) -> None:
        """Save the state as "last"; only the first process writes."""
        started = time.monotonic()
        self._tell_run()
        if self.group.is_first:
            if self.log is not None:
                self.log.sync()
            self.events.checkpoint(self.step, LAST, save_checkpoint(self.checkpoint_folder, LAST, self.state()))
        self._saved_step = self.step
        self.stop.reserve(3 * (time.monotonic() - started) + 2 * max(self._seconds, default=0.0))

    def state(self) -> dict[str, Any]:
        """Return everything that decides how the run continues."""
        return {
            "step": self.step,
            "learner": self.learner.state(),
            "guard": self.guard.state(),
            "early_stop": self.early_stop.state(),
            "random": capture_random_state(),
            "recipe": recipe_to_json(self.recipe),
            "subjects": list(self.contents),
            "contents": self.contents,
            "software": SOFTWARE,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.learner.restore(state["learner"])
        self.early_stop.restore(state["early_stop"])
        restore_random_state(state["random"])

    def _new_feed(self) -> TrainingFeed:
        group, first, trial = self.group, self.step * self.recipe.accumulation, self.guard.roll_backs
        return TrainingFeed(self.subjects, self.recipe, first, group.rank, group.size, trial, self.ages, self.bad)

    def _one_step(self) -> str:
        """Take a step; return why the run has to stop, if it has to."""
        started = time.monotonic()
        batches = iter(self.feed)
        taken = [next(batches) for _ in range(self.recipe.accumulation)]
        waited = time.monotonic() - started
        subject = taken[0][0].parameters.subject
        result = self.learner.look(taken, self.step)
        schedule, base = self.recipe.schedule, self.recipe.optimizer.learning_rate
        rate = learning_rate(schedule, self.step, self.recipe.steps, base) * self.guard.rate_factor
        if self._judge(result, subject) is Action.ROLL_BACK:
            return ""
        if result.finite:
            self.learner.learn(rate)
        else:
            self.learner.skip()
        self.step += 1
        self._seconds.append(time.monotonic() - started)
        self._write_step(result, rate, waited, subject)
        return self._between_steps()

    def _judge(self, result: StepResult, subject: str) -> Action:
        action = self.guard.judge(self.step, result.finite or result.calibrating)
        if action is Action.GO_ON:
            return action
        if action is Action.STOP:
            raise NotFiniteRunError(self.guard.reason, "Lower the learning rate, use fp32, or check the data set.")
        self.events.warning(f"step {self.step + 1} was skipped: its loss or gradient is not finite (subject {subject})")
        if action is Action.ROLL_BACK:
            self._roll_back()
        return action

    def _roll_back(self) -> None:
        """Go back to the last checkpoint with other samples and half the learning rate."""
        found = self.group.share(checkpoints.resume_checkpoint(self.checkpoint_folder) if self.group.is_first else None)
        if found is None:
            raise NotFiniteRunError("the loss was not finite before the first checkpoint", "Lower the learning rate.")
        self._restore(found[1])
        if self.log is not None:
            self.log.rewind(self.step)
        self.feed.close()
        self.feed = self._new_feed()
        self.events.warning(f"back to step {self.step}, with half the learning rate and other samples")
        self.save()

    def _write_step(self, result: StepResult, rate: float, waited: float, subject: str) -> None:
        values = {
            "loss": result.loss,
            **result.terms,
            "lr": rate,
            "norm": result.norm,
            "subject": subject,
            "seconds": round(self._seconds[-1], 3),
            "waited": round(waited, 3),
            "skipped": self.guard.skipped,
        }
        self._tell_run()
        if self.log is not None:
            self.log.log(self.step, values)
        if self.group.is_first:
            left = median(self._seconds) * (self.recipe.steps - self.step)
            self.events.step(self.step, self.recipe.steps, {**values, "resources": self.meter.read()}, left)

    def _between_steps(self) -> str:
        """Validate and save where it is time; return why to stop, if there is a reason."""
        recipe, last = self.recipe, self.step == self.recipe.steps
        validates = bool(recipe.validation.every) and (self.step % recipe.validation.every == 0 or last)
        best = self._validate() if validates and self.validation is not None else False
        if self.step % recipe.saving.every == 0 or last or best:
            self.save()
            if best:
                self._keep(BEST)
        every = recipe.saving.keep_every
        if every and self.step % every == 0:
            if self._saved_step != self.step:
                self.save()
            self._keep(step_name(self.step))
            if self.group.is_first:
                checkpoints.prune_checkpoints(self.checkpoint_folder, KEPT_PERIODIC)
        return self.early_stop.reason if self.early_stop.should_stop and not last else ""

    def _keep(self, name: str) -> None:
        if self.group.is_first:
            keep_checkpoint(self.checkpoint_folder, LAST, name)
            self.events.checkpoint(self.step, name, checkpoint_path(self.checkpoint_folder, name))

    def _validate(self) -> bool:
        """Try the weights in use; return whether they are the best so far."""
        found: dict[str, float] = {}
        if self.group.is_first and self.validation is not None:
            network, average = self.learner.network, self.learner.average
            with nullcontext() if average is None else average.applied(network):
                result = self.validation.run(network, self.bad)
            found = {"loss": result.loss, **result.metrics}
            self._tell_run()
            if result.picture is not None:
                self.events.image(self.step, keep_picture(self.folder, self.step, result.picture))
        found = self.group.share(found)
        best = self.early_stop.update(self.step, found.get("loss", float("nan")))
        if self.log is not None:
            self.log.validation(self.step, found, best)
            self.events.validation(self.step, found, best)
        return best

    def _stop_reason(self) -> str:
        """Return why to stop, the same in every process."""
        asked = self.stop.requested or ""
        if not self.group.any(bool(asked)):
            return ""
        self._tell_run("stopping")
        return asked or "another process was asked to stop"

    def _tell_run(self, state: Any = None) -> None:
        if self.run_folder is not None:
            self.run_folder.update(state, step=self.step, message=self.bad.note or None)
        self.bad.tell(self.step, self.events, self.log)
