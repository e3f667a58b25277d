"""Train the compact network: `python -m BrainFMEngine.training.trainer CACHE RUN --steps N [--decay N]`.

Resumes from RUN/last.pt, a file of tensors and plain values. The learning rate warms up, stays, and falls to zero
over the last `--decay` steps, so a run can be continued any number of times before it is finished.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.generator.generator import GeneratorRanges, Sample, generate
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.network.build import BrainNetwork, build_network
from BrainFMEngine.network.checkpoint import load_network
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.training.cache import load_cache
from BrainFMEngine.training.losses import GRADIENT_HEADS, gradient_losses, value_losses, weigh

logger = logging.getLogger(__name__)

COMPACT_CONFIG = NetworkConfig(
    heads={
        "T1": 1,
        "T2": 1,
        "FLAIR": 1,
        "CT": 1,
        "bias_field_log": 1,
        "segmentation": len(COMPACT_40.ids),
        "distance": 4,
        "registration": 3,
    },
    f_maps=16,
    num_levels=5,
)
WIDE_HEADS = {"segmentation": 8.0, "distance": 6.0}
"""Heads whose outputs span many units, and by how much their first weights are enlarged."""
WIDE_HEAD_RATE, HEAD_RATE = 80.0, 16.0
"""Learning rates of the heads relative to the backbone's."""


@dataclass(frozen=True)
class TrainingOptions:
    """What one call of the trainer does."""

    steps: int
    decay: int = 0
    shape: tuple[int, int, int] = (128, 144, 128)
    learning_rate: float = 5e-4
    warm_up: int = 40
    real_probability: float = 0.2
    ema_decay: float = 0.99
    save_every: int = 50
    seed: int = 1
    bfloat16: bool = True
    start: Path | None = None


class Trainer:
    """Network, averaged weights, optimizer and generator of one run, saved together."""

    def __init__(self, subjects: list[Subject], folder: Path, options: TrainingOptions):
        self.subjects, self.folder, self.options = subjects, folder, options
        torch.manual_seed(options.seed)
        self.network = _initial_network()
        self.average = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            self._parameter_groups(), lr=options.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
        )
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        if self.checkpoint_path.exists():
            self._resume()
        elif options.start is not None:
            self._load_weights(options.start)

    def _parameter_groups(self) -> list[dict[str, object]]:
        """Heads read unit vectors: their weights have to grow to the size of the outputs and need larger steps."""
        groups = [{"params": list(self.network.backbone.parameters()), "factor": 1.0}]
        for name in COMPACT_CONFIG.heads:
            head = getattr(self.network.head, f"final_conv_{name}")
            factor = WIDE_HEAD_RATE if name in WIDE_HEADS else HEAD_RATE
            groups.append({"params": list(head.parameters()), "factor": factor})
        return groups

    @property
    def checkpoint_path(self) -> Path:
        """Where the run's state is."""
        return self.folder / "last.pt"

    def run(self) -> None:
        """Train for the options' number of steps and save."""
        first, last = self.step, self.step + self.options.steps
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            while self.step < last:
                record = self._train_step(last)
                log.write(json.dumps(record) + "\n")
                log.flush()
                if self.step % self.options.save_every == 0 or self.step == last:
                    self.save()
        logger.info("steps %d to %d done", first, last)

    def _train_step(self, last: int) -> dict[str, object]:
        start = time.monotonic()
        rng = np.random.default_rng((self.options.seed, self.step))
        subject = self._draw_subject(rng)
        sample = generate(subject, self.options.shape, COMPACT_40, rng, GeneratorRanges())
        generated = time.monotonic()
        rate = self._learning_rate(last)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        image = sample.image[None].to(memory_format=torch.channels_last_3d)
        terms = self._losses(image, sample, rng)
        loss = weigh(terms)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if torch.isfinite(norm):
            self.optimizer.step()
            self._update_average()
        self.step += 1
        seconds = time.monotonic() - start
        return {
            "step": self.step,
            "subject": subject.name,
            "loss": float(loss.detach()),
            "lr": rate,
            "norm": float(norm),
            "seconds": round(seconds, 2),
            "generation": round(generated - start, 2),
            **{name: float(term.detach()) for name, term in terms.items()},
        }

    def _losses(self, image: Tensor, sample: Sample, rng: np.random.Generator) -> dict[str, Tensor]:
        """Run the network once, and the heads and losses on an eighth of the voxels, twice.

        Voxel-wise losses see every second voxel along each axis, at a random offset; losses of neighbours see a
        random block of half the size. Heads are 1×1×1 convolutions, so this estimates the same losses at less cost.
        """
        shape = sample.image.shape[1:]
        sparse = tuple(slice(int(rng.integers(2)), None, 2) for _ in shape)
        starts = [int(rng.integers(n - n // 2 + 1)) for n in shape]
        block = tuple(slice(start, start + n // 2) for start, n in zip(starts, shape, strict=True))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.options.bfloat16):
            features = self.network.backbone(image, keep_levels=False)[-1]
            values = self.network.head(features[(..., *sparse)], image[(..., *sparse)])
            hidden = self.network.head.hidden(features[(..., *block)], image[(..., *block)])
            neighbours = {n: self.network.head.output(n, hidden, image[(..., *block)]) for n in GRADIENT_HEADS}
        return value_losses(values, sample.part(sparse)) | gradient_losses(neighbours, sample.part(block))

    def _draw_subject(self, rng: np.random.Generator) -> Subject:
        real = rng.uniform() < self.options.real_probability
        group = [s for s in self.subjects if s.is_real == real] or self.subjects
        return group[rng.integers(len(group))]

    def _learning_rate(self, last: int) -> float:
        warm = min(1.0, (self.step + 1) / self.options.warm_up)
        remaining = (last - self.step) / self.options.decay if self.options.decay else 1.0
        return self.options.learning_rate * warm * min(1.0, remaining)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.options.ema_decay, (1 + self.step) / (10 + self.step))
        for name, tensor in self.network.state_dict().items():
            self.average[name].lerp_(tensor, 1 - decay)

    def save(self) -> None:
        """Write the run's state beside the old one, then take its place."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
        }
        temporary = self.checkpoint_path.with_suffix(".tmp")
        torch.save(state, temporary)
        os.replace(temporary, self.checkpoint_path)

    def _load_weights(self, folder: Path) -> None:
        """Begin with the weights of a model instead of random ones."""
        self.network.load_state_dict(load_network(folder).state_dict())
        self.average = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def _resume(self) -> None:
        state = torch.load(self.checkpoint_path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        logger.info("resumed at step %d", self.step)


def _initial_network() -> BrainNetwork:
    """Build the network; heads that read unit vectors start at the size of their outputs."""
    network = build_network(COMPACT_CONFIG).to(memory_format=torch.channels_last_3d)
    with torch.no_grad():
        for name, scale in WIDE_HEADS.items():
            getattr(network.head, f"final_conv_{name}").weight.mul_(scale)
    return network


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--decay", type=int, default=0)
    parser.add_argument("--shape", type=int, nargs=3, default=TrainingOptions.shape)
    parser.add_argument("--learning-rate", type=float, default=TrainingOptions.learning_rate)
    parser.add_argument("--start", type=Path, help="folder of a model whose weights a new run begins with")
    parser.add_argument("--seed", type=int, default=TrainingOptions.seed)
    arguments = vars(parser.parse_args())
    logging.basicConfig(level=logging.INFO)
    cache, run = arguments.pop("cache"), arguments.pop("run")
    arguments["shape"] = tuple(arguments["shape"])
    Trainer(load_cache(cache), run, TrainingOptions(**arguments)).run()


if __name__ == "__main__":
    main()
