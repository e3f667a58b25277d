"""The peak of a training step's main memory, beside what `brainfm train --estimate` says it will be.

Each case runs in a process of its own, so that nothing is left of the one before. Only Linux tells the peak exactly.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from BrainFMEngine.generator.subject import Subject
    from BrainFMEngine.training.recipe import Recipe

STEPS = 3


def main() -> None:
    """Measure every case and print a line for each."""
    options = _parse()
    if options.one:
        sys.stdout.write(json.dumps(measure(json.loads(options.one))) + "\n")
        return
    cases = product(options.f_maps, options.edges, options.precisions, (False, True))
    for f_maps, edge, precision, checkpointing in cases:
        case = {"network.f_maps": f_maps, "network.hidden_maps": [2 * f_maps], "generator.shape": [edge] * 3}
        case |= {"precision": precision, "checkpointing": checkpointing}
        command = [sys.executable, __file__, "--one", json.dumps(case)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        ratio = found["estimated"] / found["measured"]
        mib = {name: round(size / 2**20) for name, size in found.items()}
        line = {"f_maps": f_maps, "edge": edge, "precision": precision, "checkpointing": checkpointing}
        sys.stdout.write(json.dumps({**line, **mib, "ratio": round(ratio, 2)}) + "\n")
        sys.stdout.flush()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--f-maps", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--edges", type=int, nargs="+", default=[48, 64, 96], help="of the samples, in voxels")
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(case: dict) -> dict[str, int]:
    """Train a few steps of the compact recipe with changes; return bytes beyond what a tiny step has left."""
    from benchmark_subject import benchmark_subject
    from BrainFMEngine.training.estimate import estimate_run
    from BrainFMEngine.training.recipe import with_values
    from BrainFMEngine.training.recipes import named_recipe
    from BrainFMEngine.training.subject_shelf import subject_bytes
    from inference import peak_bytes, start_peak

    subject = benchmark_subject()
    recipe = with_values(named_recipe("brainfm", "compact"), case)
    train(with_values(recipe, {"network.f_maps": 8, "network.hidden_maps": [16], "generator.shape": [16] * 3}), subject)
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    before = start_peak() - subject_bytes(subject)
    train(recipe, subject)
    return {"measured": peak_bytes() - before, "estimated": estimate_run(recipe, [subject]).step_bytes}


def train(recipe: Recipe, subject: Subject) -> None:
    """Take a few steps."""
    import torch
    from BrainFMEngine.training.feed import TrainingFeed
    from BrainFMEngine.training.learner import Learner
    from BrainFMEngine.training.start import initial_network

    torch.set_num_threads(1)
    learner = Learner(recipe, initial_network(recipe))
    with TrainingFeed([subject], recipe) as feed:
        batches = iter(feed)
        for step in range(STEPS):
            learner.look([next(batches)], step)
            learner.learn(1e-4)


if __name__ == "__main__":
    main()
