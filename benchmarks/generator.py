"""Samples a second and peak memory of the generator, against the published one and others in the same run.

    python benchmarks/generator.py [--size 128] [--samples 4] [--repeats 5] [--threads 2] [--device cpu] [-o CSV]
    python benchmarks/generator.py --stages [-o CSV]

"ours" is `generate`: one mini-batch of one subject with every target, severities from mild to severe. "published" are
the operators of the published generator in plain PyTorch (`published_generator.py`). "monai" and "torchio" paint and
corrupt a deformed label map and make no targets (`generator_peers.py`, which says how to install them); they are
skipped where they are missing. The subject is a phantom in memory, or a label map (`--labels`). Every tool has a
process of its own, warmed up by a batch; they take turns, one batch each with a fresh seed, so that what else the
machine does falls on all of them. Memory is the peak of the whole process during a batch, subject included; on CUDA
what PyTorch allocated at most. `--stages` times the steps of ours (`generator_stages.py`).
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

REFERENCE = "published"
TOOLS = ("ours", REFERENCE, "monai", "torchio")
ON_CPU_ONLY = ("torchio",)
SETTINGS = ("size", "samples", "threads", "device", "repeats")


def main() -> None:
    options = _parse()
    if options.worker:
        serve(options)
        return
    if options.stages:
        from generator_stages import measure_stages

        rows, text = measure_stages(options)
    else:
        rows = compare(options)
        text = "\n".join(_sentence(row) for row in rows)
    sys.stdout.write(text + "\n")
    if options.output:
        with options.output.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128, help="voxels of a sample along each axis")
    parser.add_argument("--samples", type=int, default=4, help="of a mini-batch")
    parser.add_argument("--repeats", type=int, default=5, help="batches of which the median counts")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--labels", type=Path, help="label map instead of the phantom")
    parser.add_argument("--only", choices=TOOLS, nargs="+", default=TOOLS, help="tools to run")
    parser.add_argument("--stages", action="store_true", help="time the steps of ours beside their floors")
    parser.add_argument("-o", "--output", type=Path, help="CSV file")
    parser.add_argument("--worker", choices=TOOLS, help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(options: argparse.Namespace) -> list[dict]:
    """Let the tools take turns and return a row of medians for each."""
    workers: dict[str, subprocess.Popen] = {}
    try:
        for tool in options.only:
            if _is_there(tool, options.device):
                workers[tool] = _start(tool, options)
                _answer(workers[tool])
        found: dict[str, list[dict]] = {tool: [] for tool in workers}
        for seed in range(1, options.repeats + 1):
            for tool, worker in workers.items():
                worker.stdin.write(f"{seed}\n")
                worker.stdin.flush()
                found[tool].append(_answer(worker))
    finally:
        for worker in workers.values():
            worker.stdin.close()
            worker.wait()
    reference = statistics.median(one["seconds"] for one in found[REFERENCE]) if REFERENCE in found else None
    return [_row(tool, batches, reference, options) for tool, batches in found.items()]


def _is_there(tool: str, device: str) -> bool:
    if tool in ("monai", "torchio") and importlib.util.find_spec(tool) is None:
        reason = "it is not installed (see generator_peers.py)"
    elif tool in ON_CPU_ONLY and device != "cpu":
        reason = "it works on the CPU only"
    else:
        return True
    sys.stderr.write(f"{tool} is skipped: {reason}.\n")
    return False


def _start(tool: str, options: argparse.Namespace) -> subprocess.Popen:
    command = [sys.executable, "-W", "ignore", __file__, "--worker", tool, "--device", options.device]
    for name in ("size", "samples", "threads"):
        command += [f"--{name}", str(getattr(options, name))]
    command += ["--labels", str(options.labels)] if options.labels else []
    limits = {"OMP_NUM_THREADS": str(options.threads), "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(options.threads)}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | limits)


def _answer(worker: subprocess.Popen) -> dict:
    line = worker.stdout.readline()
    if not line:
        raise SystemExit(f"{' '.join(worker.args)} ended with {worker.wait()}")
    return json.loads(line)


def _row(tool: str, batches: list[dict], reference: float | None, options: argparse.Namespace) -> dict:
    seconds = [one["seconds"] for one in batches]
    middle = statistics.median(seconds)
    return {
        "tool": tool,
        **{name: getattr(options, name) for name in SETTINGS},
        "seconds": middle,
        "fastest": min(seconds),
        "slowest": max(seconds),
        "cpu_seconds": statistics.median(one["cpu_seconds"] for one in batches),
        "samples_per_second": options.samples / middle,
        "times_published": reference / middle if reference else "",
        "peak_mib": max(one["peak_mib"] for one in batches),
    }


def _sentence(row: dict) -> str:
    ratio = f"{row['times_published']:6.2f} x published; " if row["times_published"] else ""
    return (
        f"{row['tool']:>9}: {row['seconds']:8.3f} s a batch ({row['fastest']:.3f} to {row['slowest']:.3f}), "
        f"{row['cpu_seconds']:8.3f} CPU s; {row['samples_per_second']:7.2f} samples/s; {ratio}"
        f"{row['peak_mib']:6.0f} MiB"
    )


def serve(options: argparse.Namespace) -> None:
    """Make one batch for every seed that comes in a line, and answer with what it took; first say when ready."""
    answers, sys.stdout = sys.stdout, sys.stderr
    import torch

    torch.set_num_threads(options.threads)
    batch = make_batches(options)
    batch(0)
    answers.write("{}\n")
    answers.flush()
    for line in sys.stdin:
        answers.write(json.dumps(measure(batch, int(line), options.device)) + "\n")
        answers.flush()


def make_batches(options: argparse.Namespace):
    """Return a function from a seed to a mini-batch by the tool `options.worker`."""
    from benchmark_subject import benchmark_subject

    subject = benchmark_subject(options.labels).to(options.device)
    size, samples = options.size, options.samples
    if options.worker == "ours":
        return our_batches(subject, size, samples)
    if options.worker == REFERENCE:
        from BrainFMEngine.anatomy.protocols import COMPACT_40
        from published_generator import PublishedGenerator

        return PublishedGenerator(subject, COMPACT_40, size, samples).generate
    import generator_peers

    make = generator_peers.monai_batches if options.worker == "monai" else generator_peers.torchio_batches
    return make(subject.rows, size, samples)


def our_batches(subject, size: int, samples: int):
    """Return the same for the engine."""
    from BrainFMEngine.generator.generator import generate
    from BrainFMEngine.generator.parameters import GeneratorOptions
    from BrainFMEngine.generator.severity import mild_to_severe

    ranges = GeneratorOptions(shape=(size,) * 3, severities=tuple(mild_to_severe(samples)))
    return lambda seed: generate(subject, ranges, seed)


def measure(batch, seed: int, device: str) -> dict:
    """Time one mini-batch."""
    import torch
    from inference import peak_bytes, start_peak

    on_gpu = device.startswith("cuda")
    start_peak()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
        torch.cuda.synchronize(device)
    wall, cpu = time.perf_counter(), time.process_time()
    kept = batch(seed)
    if on_gpu:
        torch.cuda.synchronize(device)
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    peak = torch.cuda.max_memory_allocated(device) if on_gpu else peak_bytes()
    del kept
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mib": peak / 2**20}


if __name__ == "__main__":
    main()
