"""Seconds of one optimizer step, against plain PyTorch in the same run, and how much of it is waiting for samples.

    python benchmarks/training.py [--f-maps 16 32 64] [--shape 64 64 64] [--repeats 3] [--steps 8] [--threads 2]
                                  [--device cpu] [--precision fp32] [--json]

Objective, optimizer and generator are those of the compact recipe; f_maps, shape and precision are changed. "ours" is
the trainer as `brainfm train` runs it: sparse losses, averaged weights, samples made in the background. "dense" is the
same trainer on all voxels, without the average and with samples made beforehand. "plain" is a loop written here, around
a straightforward module in PyTorch's default memory format: the objective on all voxels, backward pass, clipping,
AdamW, with the same samples and first weights as "dense". These two do the same arithmetic: their losses in the first
step differ by rounding, which AdamW makes larger from step to step.

Each measurement is a process of its own; a repeat runs all three in turn, so that what else the machine does falls on
all of them. A step's time is from the end of the one before. "waiting" is the share of it in which ours had no sample
to learn from; the seconds to make a mini-batch while nothing is learnt stand beside it. On CUDA samples are made on the
same GPU, which shows in the step's time rather than in the waiting. Memory is the peak of the whole process, on CUDA of
what PyTorch allocated.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import cycle, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from benchmark_subject import benchmark_subject
from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.training.events import TrainingEvents
from BrainFMEngine.training.feed import TrainingFeed
from BrainFMEngine.training.learner import Learner
from BrainFMEngine.training.objective import objective_terms, weighted_sum
from BrainFMEngine.training.recipe import Recipe, with_values
from BrainFMEngine.training.recipes import named_recipe
from BrainFMEngine.training.schedule import learning_rate
from BrainFMEngine.training.start import initial_network
from BrainFMEngine.training.trainer import Trainer
from inference import peak_bytes, plain_network, start_peak
from torch import nn

OURS, DENSE, PLAIN = "ours", "dense", "plain"
METHODS = (OURS, DENSE, PLAIN)
SETTINGS = ("shape", "device", "precision", "threads", "steps", "repeats")
MEASURED = ("seconds", "cpu_seconds", "peak_mib")
WARM_UP_STEPS = 2
PREPARED = 2  # mini-batches made beforehand, used in turn
GENERATED = 5  # mini-batches that the time of making one is the median of
WAITING_LIMIT = 0.10
NEVER = 10**9


def main() -> None:
    options = _parse()
    if options.measure:
        sys.stdout.write(json.dumps(measure(options)) + "\n")
        return
    rows = []
    for f_maps in options.f_maps:
        rows.append(compare(f_maps, options))
        if not options.json:
            sys.stdout.write(_sentences(rows[-1]) + "\n")
            sys.stdout.flush()
    if options.json:
        settings = {name: getattr(options, name) for name in SETTINGS}
        sys.stdout.write(json.dumps({**settings, "rows": rows}, indent=2) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--f-maps", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--shape", type=int, nargs=3, default=[64, 64, 64], help="voxels of a sample; 16 or more")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of which the median counts")
    parser.add_argument("--steps", type=int, default=8, help="optimizer steps of a measurement, after two to warm up")
    parser.add_argument("--threads", type=int, help="CPU threads; PyTorch's choice by default")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", choices=METHODS, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(f_maps: int, options: argparse.Namespace) -> dict:
    """Measure the methods in turn; return medians, ratios to plain, and what is known of the samples."""
    found: dict[str, list[dict]] = {method: [] for method in METHODS}
    for seed in range(1, options.repeats + 1):
        for method in METHODS:
            found[method].append(_in_own_process(method, f_maps, seed, options))
    row: dict = {"f_maps": f_maps}
    for key in MEASURED:
        medians = {method: statistics.median(one[key] for one in found[method]) for method in METHODS}
        ratios = {f"{method}_to_plain": medians[method] / medians[PLAIN] for method in (OURS, DENSE)}
        row[key] = {**medians, **ratios}
    gaps = [_gaps(*pair) for pair in zip(found[DENSE], found[PLAIN], strict=True)]
    row["relative_difference"] = {"first": max(gap[0] for gap in gaps), "largest": max(map(max, gaps))}
    row["waiting_share"] = sum(one["waited"] for one in found[OURS]) / sum(one["total"] for one in found[OURS])
    row["generation_seconds"] = statistics.median(one["generation_seconds"] for one in found[OURS])
    return row


def _gaps(dense: dict, plain: dict) -> list[float]:
    return [abs(a - b) / max(abs(a), abs(b)) for a, b in zip(dense["losses"], plain["losses"], strict=True)]


def _in_own_process(method: str, f_maps: int, seed: int, options: argparse.Namespace) -> dict:
    command = [sys.executable, __file__, "--measure", method, "--f-maps", str(f_maps), "--seed", str(seed)]
    command += ["--shape", *map(str, options.shape)]
    environment = dict(os.environ)
    for name in ("steps", "device", "precision"):
        command += [f"--{name}", str(getattr(options, name))]
    if options.threads:
        command += ["--threads", str(options.threads)]
        environment["OMP_NUM_THREADS"] = str(options.threads)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def _sentences(row: dict) -> str:
    lines = [f"f_maps {row['f_maps']}"]
    for method in METHODS:
        seconds, cpu_seconds, peak = (row[key][method] for key in MEASURED)
        ratio = "" if method == PLAIN else f"; {row['seconds'][f'{method}_to_plain']:.2f} x plain"
        lines.append(f"{method:>7}: {seconds:8.3f} s a step, {cpu_seconds:8.3f} CPU s, {peak:7.0f} MiB{ratio}")
    share = row["waiting_share"]
    verdict = "" if share <= WAITING_LIMIT else f" (more than {WAITING_LIMIT:.0%})"
    lines.append(f"waiting: {share:.1%} of a step{verdict}; making a mini-batch: {row['generation_seconds']:.3f} s")
    first, largest = row["relative_difference"].values()
    lines.append(f"  check: losses of dense and plain differ by {first:.0e} in the first step, {largest:.0e} at most")
    return "\n".join(lines)


def measure(options: argparse.Namespace) -> dict:
    """Train with one method for a few steps."""
    if options.threads:
        torch.set_num_threads(options.threads)
    method, device = options.measure, torch.device(options.device)
    recipe, subject = make_recipe(options, sparse=method == OURS), benchmark_subject().to(device)
    watch = Stopwatch(device)
    if method == PLAIN:
        losses = train_plainly(recipe, subject, watch)
        return {**watch.result(), "losses": losses}
    events = StepTimes(watch)
    train_as_we_do(recipe, subject, events)
    result = {**watch.result(), "losses": events.losses, "waited": sum(events.waited[WARM_UP_STEPS:])}
    if method == OURS:
        result["generation_seconds"] = generation_seconds(TrainingFeed([subject], recipe), watch)
    return result


def make_recipe(options: argparse.Namespace, sparse: bool) -> Recipe:
    """Return the compact recipe at other sizes; with dense losses also without the average, which plain has not."""
    values = {
        "network.f_maps": options.f_maps[0],
        "generator.shape": options.shape,
        "precision": options.precision,
        "seed": options.seed,
        "steps": WARM_UP_STEPS + options.steps,
        "saving.every": NEVER,
        "validation.every": 0,
        "objective.sparse": sparse,
    }
    recipe = named_recipe("brainfm", "compact")
    return with_values(recipe, values if sparse else {**values, "ema_decay": None})


class Stopwatch:
    """Notes the end of every step; peak memory counts from the end of the warm-up."""

    def __init__(self, device: torch.device):
        self.device, self.on_gpu = device, device.type == "cuda"
        self.ends: list[tuple[float, float]] = []

    def finish(self) -> None:
        """Wait until the device has done what it was asked to do."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def lap(self) -> None:
        self.finish()
        if len(self.ends) == WARM_UP_STEPS - 1:
            torch.cuda.reset_peak_memory_stats(self.device) if self.on_gpu else start_peak()
        self.ends.append((time.perf_counter(), time.process_time()))

    def result(self) -> dict:
        """Return medians over the steps after the warm-up; to be called at the end of the last."""
        peak = torch.cuda.max_memory_allocated(self.device) if self.on_gpu else peak_bytes()
        laps = list(pairwise(self.ends[WARM_UP_STEPS - 1 :]))
        wall, cpu = ([end[kind] - start[kind] for start, end in laps] for kind in (0, 1))
        seconds = {"seconds": statistics.median(wall), "cpu_seconds": statistics.median(cpu), "total": sum(wall)}
        return {**seconds, "peak_mib": peak / 2**20}


class StepTimes(TrainingEvents):
    """Hears of every step that the trainer has taken."""

    def __init__(self, watch: Stopwatch):
        self.watch = watch
        self.losses: list[float] = []
        self.waited: list[float] = []

    def step(self, step: int, steps: int, values: Mapping, seconds_left: float | None) -> None:
        self.watch.lap()
        self.losses.append(values["loss"])
        self.waited.append(values["waited"])

    def warning(self, message: str) -> None:
        raise SystemExit(message)  # a skipped step is no measurement


class PreparedFeed(TrainingFeed):
    """The first mini-batches of a recipe in turn, made before the first is asked for."""

    def __init__(self, subject: Subject, recipe: Recipe):
        super().__init__([subject], recipe)
        self.prepared = cycle([self.batch(number) for number in range(PREPARED)])

    def __iter__(self) -> Iterator[list[Sample]]:
        return self.prepared


class UnsavedTrainer(Trainer):
    """The trainer without checkpoints, which are no part of a step; where losses are dense, on prepared samples."""

    def save(self) -> None:
        self._saved_step = self.step

    def _new_feed(self) -> TrainingFeed:
        return super()._new_feed() if self.recipe.objective.sparse else PreparedFeed(self.subjects[0], self.recipe)


def train_as_we_do(recipe: Recipe, subject: Subject, events: TrainingEvents) -> None:
    """Train with the engine, in a folder that is gone afterwards."""
    learner = Learner(recipe, initial_network(recipe).to(subject.device))
    with TemporaryDirectory() as folder:
        UnsavedTrainer(recipe, learner, [subject], Path(folder), events=events).run()


def train_plainly(recipe: Recipe, subject: Subject, watch: Stopwatch) -> list[float]:
    """Train as one would without the engine's trainer; return the loss of every step."""
    network = plain_network(recipe.network.config()).train()
    network.load_state_dict(initial_network(recipe).state_dict())
    network.to(subject.device)
    optimizer, options = plain_optimizer(network, recipe), recipe.objective
    batches, losses = iter(PreparedFeed(subject, recipe)), []
    for step in range(recipe.steps):
        optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for sample in next(batches):
            with torch.autocast(subject.device.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
                outputs, _ = network(sample.image[None])
                loss = weighted_sum(objective_terms(outputs, sample, options), options)
            loss.backward()
            total += loss.item()
        nn.utils.clip_grad_norm_(network.parameters(), recipe.optimizer.clip_norm)
        for group in optimizer.param_groups:
            rate = group["factor"] * recipe.optimizer.learning_rate
            group["lr"] = learning_rate(recipe.schedule, step, recipe.steps, rate)
        optimizer.step()
        losses.append(total)
        watch.lap()
    return losses


def plain_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """Return AdamW whose groups know their rate relative to the backbone's."""
    options = recipe.optimizer
    groups: dict[float, list[nn.Parameter]] = {1.0: list(network.backbone.parameters())}
    for name, layer in network.head.named_children():
        factor = options.head_rates.get(name.removeprefix("final_conv_"), 1.0)
        groups.setdefault(factor, []).extend(layer.parameters())
    parameters = [{"params": members, "factor": factor} for factor, members in groups.items()]
    return torch.optim.AdamW(parameters, betas=options.betas, weight_decay=options.weight_decay)


def generation_seconds(feed: TrainingFeed, watch: Stopwatch) -> float:
    """Return the median time of making a mini-batch while nothing is learnt."""
    seconds = []
    for number in range(GENERATED):
        watch.finish()
        start = time.perf_counter()
        feed.batch(number)
        watch.finish()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
