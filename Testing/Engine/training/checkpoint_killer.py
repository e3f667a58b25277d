"""Kills a process that saves checkpoints, again and again, and looks at what is left: one argument, an empty folder.

One process imports torch and forks the victims. Writes one JSON object: kills, kills with a file half written, steps
reached, and a list of complaints, which must be empty.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from BrainFMEngine.training.checkpoints import (
    BEST,
    LAST,
    checkpoint_path,
    keep_checkpoint,
    load_checkpoint,
    resume_checkpoint,
    save_checkpoint,
)

RANDOM_KILLS = 36
FLOATS = 50_000
CALLS = ("replace", "fsync", "link", "unlink")


def state_of(step: int) -> dict:
    return {"step": step, "weights": torch.full((FLOATS,), float(step)), "history": list(range(step % 50))}


def save_for_ever(folder: Path, step: int, told: int) -> None:
    while True:
        step += 1
        save_checkpoint(folder, LAST, state_of(step))
        os.write(told, step.to_bytes(8, "little"))
        if step % 3 == 0:
            keep_checkpoint(folder, LAST, BEST)


def save_and_die(folder: Path, step: int, fatal_call: int) -> None:
    """Save and keep once; die right before the n-th call that changes the disk."""
    calls = 0

    def deadly(function):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == fatal_call:
                os._exit(9)
            return function(*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, deadly(getattr(os, name)))
    save_checkpoint(folder, LAST, state_of(step))
    keep_checkpoint(folder, LAST, BEST)
    os._exit(0)


def complaints(folder: Path, at_least: int) -> tuple[int, list[str]]:
    """Return the step that a new process would continue at, and everything that is wrong."""
    warnings: list[str] = []
    found = resume_checkpoint(folder, warnings.append)
    wrong = [text for text in warnings if not text.startswith("continuing")]
    if found is None:
        return 0, wrong if at_least == 0 else [*wrong, f"nothing left of step {at_least}"]
    states = [found[1]]
    if checkpoint_path(folder, BEST).exists():
        states.append(load_checkpoint(checkpoint_path(folder, BEST)))
    for state in states:
        expected = state_of(state["step"])
        if not torch.equal(state["weights"], expected["weights"]) or state["history"] != expected["history"]:
            wrong.append(f"step {state['step']} has the content of another")
    if found[1]["step"] < at_least:
        wrong.append(f"step {at_least} was saved, {found[1]['step']} is left")
    return found[1]["step"], wrong


def fork(work, *arguments) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work(*arguments)
    finally:
        os._exit(1)


def random_kills(folder: Path, moments: random.Random) -> dict:
    step, half_written, wrong = 3, 0, []
    begin = time.monotonic()
    for first in range(step):
        save_checkpoint(folder, LAST, state_of(first + 1))
    longest_s = 2.5 * (time.monotonic() - begin) / step
    for _ in range(RANDOM_KILLS):
        reader, writer = os.pipe()
        child = fork(save_for_ever, folder, step, writer)
        time.sleep(moments.uniform(0.0, longest_s))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(writer)
        with open(reader, "rb") as stream:
            told = stream.read()
        half_written += any(folder.glob(".*.tmp"))
        step, found = complaints(folder, max(step, int.from_bytes(told[-8:], "little")))
        wrong += found
    return {"kills": RANDOM_KILLS, "half_written": half_written, "steps": step, "wrong": wrong}


def kills_at_every_call(folder: Path) -> dict:
    save_checkpoint(folder, LAST, state_of(1))
    save_checkpoint(folder, LAST, state_of(2))
    keep_checkpoint(folder, LAST, BEST)
    step, wrong, fatal = 2, [], 0
    while True:
        fatal += 1
        _, status = os.waitpid(fork(save_and_die, folder, step + 1, fatal), 0)
        step, found = complaints(folder, step)
        wrong += found
        if os.waitstatus_to_exitcode(status) == 0:
            return {"kills": fatal - 1, "steps": step, "wrong": wrong}
        if os.waitstatus_to_exitcode(status) != 9:
            return {"kills": fatal, "steps": step, "wrong": [*wrong, f"the victim ended with {status}"]}


if __name__ == "__main__":
    torch.set_num_threads(1)
    base = Path(sys.argv[1])
    answer = {
        "random": random_kills(base / "random", random.Random(1)),
        "every": kills_at_every_call(base / "every"),
    }
    sys.stdout.write(json.dumps(answer))
