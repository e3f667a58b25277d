"""Seconds and peak memory of one whole-volume inference, against plain PyTorch float32 in the same run.

    python benchmarks/inference.py [--size 160 192 160] [--f-maps 16 64] [--repeats 3] [--json]

"ours" is what `Predictor` runs on the CPU: the lean forward pass, one head at a time, probabilities as float16.
"plain" is a straightforward module of the same architecture written here, in PyTorch's default memory format, that
keeps every feature level and every head, as the published code does. Both have the same weights and give the same
values (checked). Each measurement is a process of its own; ours and plain alternate, so that what else the machine
does falls on both. Memory is the peak of the process above what it had when network and image were ready.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

HEADS = {
    "T1": 1,
    "T2": 1,
    "FLAIR": 1,
    "CT": 1,
    "bias_field_log": 1,
    "segmentation": 40,
    "distance": 4,
    "registration": 3,
}
LEVELS = 5
METHODS = ("ours", "plain")
CHECKED = "T1"
STATUS = Path("/proc/self/status")


def main() -> None:
    options = _parse()
    if options.measure:
        sys.stdout.write(json.dumps(measure(options.measure, options.f_maps[0], options.size, options.threads)))
        return
    rows = [compare(f_maps, options) for f_maps in options.f_maps]
    if options.json:
        sys.stdout.write(
            json.dumps({"size": options.size, "heads": HEADS, "levels": LEVELS, "rows": rows}, indent=2) + "\n"
        )
        return
    for row in rows:
        sys.stdout.write(_sentence(row) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=3, default=[160, 192, 160], help="voxels; multiples of 16")
    parser.add_argument("--f-maps", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, help="CPU threads; PyTorch's choice by default")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", choices=METHODS, help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(f_maps: int, options: argparse.Namespace) -> dict:
    """Measure both methods in turn and return medians and ratios (ours / plain)."""
    found: dict[str, list[dict]] = {method: [] for method in METHODS}
    for _ in range(options.repeats):
        for method in METHODS:
            found[method].append(_in_own_process(method, f_maps, options))
    row: dict = {"f_maps": f_maps}
    for key in ("seconds", "cpu_seconds", "peak_mib"):
        medians = {method: statistics.median(one[key] for one in found[method]) for method in METHODS}
        row[key] = {**medians, "ratio": medians["ours"] / medians["plain"]}
    checksums = [one["mean_abs"] for method in METHODS for one in found[method]]
    row["largest_relative_difference"] = (max(checksums) - min(checksums)) / max(checksums)
    return row


def _in_own_process(method: str, f_maps: int, options: argparse.Namespace) -> dict:
    command = [
        sys.executable,
        __file__,
        "--measure",
        method,
        "--f-maps",
        str(f_maps),
        "--size",
        *map(str, options.size),
    ]
    command += ["--threads", str(options.threads)] if options.threads else []
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _sentence(row: dict) -> str:
    parts = [f"f_maps {row['f_maps']:>3}"]
    for key, unit in (("seconds", "s"), ("cpu_seconds", "CPU s"), ("peak_mib", "MiB")):
        values = row[key]
        parts.append(f"{values['ours']:9.2f} {unit} ours, {values['plain']:9.2f} plain, ratio {values['ratio']:.2f}")
    return "; ".join(parts)


def measure(method: str, f_maps: int, size: list[int], threads: int | None) -> dict:
    """Run one method once, after a warm-up on a small cube."""
    import torch
    from BrainFMEngine.network.build import build_network
    from BrainFMEngine.network.config import NetworkConfig

    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = build_network(NetworkConfig(HEADS, f_maps=f_maps, num_levels=LEVELS)).eval()
    image = torch.rand(*size)
    run = ours(network) if method == "ours" else plain(network)
    with torch.inference_mode():
        run(image[:32, :32, :32])
        floor = start_peak()
        wall, cpu = time.perf_counter(), time.process_time()
        result = run(image)
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_mib": (peak_bytes() - floor) / 2**20,
        "mean_abs": float(abs(result).mean()),
    }


def start_peak() -> int:
    """Start a new peak where the system can (Linux); return the resident size in bytes that it begins with."""
    if STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_bytes()


def peak_bytes() -> int:
    """Return the largest resident size of this process since the last `start_peak`."""
    if STATUS.exists():
        line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    from BrainFMEngine.outputs.memory import peak_memory_mb

    return (peak_memory_mb() or 0) * 2**20


def ours(network):
    """Return a function from an image (X, Y, Z) to one head, that evaluates all heads as `Predictor` does."""
    import torch
    from BrainFMEngine.inference.forward import Job, run_whole
    from BrainFMEngine.tasks import offered_tasks

    network.to(memory_format=torch.channels_last_3d)
    job = Job(network, offered_tasks(HEADS), None, False, False, lambda fraction: None)

    def run(image):
        kept = {}
        for head, values in run_whole(job, image.numpy(), torch.device("cpu")):
            if head in (CHECKED, "segmentation"):  # the predictor keeps probabilities until labels are made
                kept[head] = values
        return kept[CHECKED]

    return run


def plain(network):
    """Return the same for a plain implementation with the same weights."""
    reference = plain_network(network.config)
    reference.load_state_dict(network.state_dict())

    def run(image):
        outputs, features = reference(image[None, None])
        outputs["segmentation"] = outputs["segmentation"].softmax(1)
        assert len(features) == LEVELS
        return outputs[CHECKED].numpy()

    return run


def plain_network(config):
    """Build the architecture in the plainest way; parameter names are those of the published checkpoints."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    def unit(n_in: int, n_out: int) -> nn.Module:
        layer = nn.Sequential()
        layer.add_module("groupnorm", nn.GroupNorm(1 if n_in < 8 else 8, n_in))
        layer.add_module("conv", nn.Conv3d(n_in, n_out, 3, padding=1, bias=False))
        layer.add_module("activation", nn.LeakyReLU(0.01))
        return layer

    def level(n_in: int, middle: int, n_out: int) -> nn.Module:
        block = nn.Module()
        block.basic_module = nn.Sequential()
        block.basic_module.add_module("SingleConv1", unit(n_in, middle))
        block.basic_module.add_module("SingleConv2", unit(middle, n_out))
        return block

    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            widths = [config.f_maps * 2**k for k in range(config.num_levels)]
            inputs = [1, *widths[:-1]]
            self.backbone, self.head = nn.Module(), nn.Module()
            self.backbone.encoders = nn.ModuleList(
                level(n_in, max(n_out // 2, n_in), n_out) for n_in, n_out in zip(inputs, widths, strict=True)
            )
            self.backbone.decoders = nn.ModuleList(
                level(low + high, high, high) for low, high in zip(widths[:0:-1], widths[-2::-1], strict=True)
            )
            for name, channels in config.heads.items():
                self.head.add_module(f"final_conv_{name}", nn.Conv3d(config.f_maps, channels, 1))

        def forward(self, x):
            skips = []
            for index, encoder in enumerate(self.backbone.encoders):
                x = encoder.basic_module(F.max_pool3d(x, 2) if index else x)
                skips.insert(0, x)
            features = [x]
            for decoder, skip in zip(self.backbone.decoders, skips[1:], strict=True):
                x = F.interpolate(x, size=skip.shape[2:], mode="nearest")
                x = decoder.basic_module(torch.cat((skip, x), dim=1))
                features.append(x)
            features[-1] = F.normalize(features[-1], dim=1)
            heads = {name: getattr(self.head, f"final_conv_{name}")(features[-1]) for name in config.heads}
            return heads, features

    return Plain().eval()


if __name__ == "__main__":
    main()
