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
from torch.nn import functional as F

from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.generator.generator import Sample, generate
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.network.checkpoint import load_network
from BrainFMEngine.network.heads import TaskHeads
from BrainFMEngine.training.cache import load_cache
from BrainFMEngine.training.losses import GRADIENT_HEADS, gradient_losses, value_losses, weigh
from BrainFMEngine.training.stages import HEADS, SPACINGS_MM, WIDE_HEADS, grow, initial_network

logger = logging.getLogger(__name__)

WIDE_HEAD_RATE, HEAD_RATE = 80.0, 16.0
"""Learning rates of the heads relative to the backbone's."""
FEW_VOXELS = 100_000
SEVERITIES = (0.2, 0.9)
REAL_INPUT_PROBABILITY = 0.8
"""How often a subject with images is seen in one of them instead of a painted contrast."""


@dataclass(frozen=True)
class TrainingOptions:
    """What one call of the trainer does."""

    steps: int
    decay: int = 0
    shape: tuple[int, int, int] = (128, 144, 128)
    spacing_mm: int = 1
    learning_rate: float = 5e-4
    warm_up: int = 40
    real_probability: float = 0.2
    ema_decay: float = 0.99
    save_every: int = 50
    seed: int = 1
    bfloat16: bool = True
    start: Path | None = None
    grow_from: Path | None = None
    auxiliary_steps: int = 150


class Trainer:
    """Network, averaged weights, optimizer and generator of one run, saved together."""

    def __init__(self, subjects: list[Subject], folder: Path, options: TrainingOptions):
        self.subjects, self.folder, self.options = subjects, folder, options
        torch.manual_seed(options.seed)
        self.network = initial_network(options.spacing_mm)
        self.coarse_heads: TaskHeads | None = None
        if options.grow_from is not None:
            self._grow(options.grow_from)
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
        for name in HEADS:
            head = getattr(self.network.head, f"final_conv_{name}")
            factor = WIDE_HEAD_RATE if name in WIDE_HEADS else HEAD_RATE
            groups.append({"params": list(head.parameters()), "factor": factor})
        if self.coarse_heads is not None:
            groups.append({"params": list(self.coarse_heads.parameters()), "factor": HEAD_RATE})
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
        sample = self._generate(subject, rng)
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

    def _generate(self, subject: Subject, rng: np.random.Generator) -> Sample:
        options = GeneratorOptions(
            shape=self.options.shape,
            spacing_mm=self.options.spacing_mm,
            severities=(float(rng.uniform(*SEVERITIES)),),
            real_input_probability=REAL_INPUT_PROBABILITY,
            protocol=COMPACT_40.name,
            paint_targets=True,
        )
        return generate(subject, options, int(rng.integers(2**31)))[0]

    def _losses(self, image: Tensor, sample: Sample, rng: np.random.Generator) -> dict[str, Tensor]:
        """Run the network once; while it is young, the coarser stage's heads add their losses on the map before."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.options.bfloat16):
            coarse, fine = self._last_maps(image)
            terms = self._head_losses(self.network.head, fine, image, sample, rng)
            if self.coarse_heads is not None and self.step < self.options.auxiliary_steps:
                half = tuple(slice(int(rng.integers(2)), None, 2) for _ in range(3))
                half_image, half_sample = image[(..., *half)], sample.part(half)
                extra = self._head_losses(self.coarse_heads, coarse, half_image, half_sample, rng)
                terms |= {f"coarse_{name}": term for name, term in extra.items()}
        return terms

    def _last_maps(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the last two maps of the backbone, not yet of unit length: that is cheaper on the voxels in use."""
        maps = self.network.backbone.encode(image)
        features = maps.pop()
        for decoder in self.network.backbone.decoders:
            coarse, features = features, decoder(maps.pop(), features)
        return coarse, features

    def _head_losses(
        self, head: TaskHeads, features: Tensor, image: Tensor, sample: Sample, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Compute every loss on an eighth of the voxels (on all of them where they are few).

        Voxel-wise losses see every second voxel along each axis, at a random offset; losses of neighbours see a
        random block of half the size. Heads are 1×1×1 convolutions, so this estimates the same losses at less cost.
        """
        shape = features.shape[2:]
        step = 1 if features[0, 0].numel() <= FEW_VOXELS else 2
        sparse = tuple(slice(int(rng.integers(step)), None, step) for _ in shape)
        starts = [int(rng.integers(n - n // step + 1)) for n in shape]
        block = tuple(slice(start, start + n // step) for start, n in zip(starts, shape, strict=True))
        values = head(_unit(features[(..., *sparse)]), image[(..., *sparse)])
        hidden = _unit(features[(..., *block)])
        neighbours = {name: head.output(name, hidden, image[(..., *block)]) for name in GRADIENT_HEADS}
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

    def _grow(self, checkpoint: Path) -> None:
        """Begin with the deep levels that a coarser stage has learnt, and keep its heads as a guide."""
        coarse = initial_network(2 * self.options.spacing_mm)
        coarse.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
        grow(self.network, coarse)
        self.coarse_heads = coarse.head

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


def _unit(features: Tensor) -> Tensor:
    """Divide (1, C, X, Y, Z) by its norm over the channels, in float32, voxels of a row first."""
    unit = F.normalize(features.float(), dim=1)
    return unit.contiguous(memory_format=torch.channels_last_3d)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--decay", type=int, default=0)
    parser.add_argument("--shape", type=int, nargs=3, default=TrainingOptions.shape)
    parser.add_argument("--spacing-mm", type=int, choices=SPACINGS_MM, default=1, help="stage: voxels of this edge")
    parser.add_argument("--grow-from", type=Path, help="last.pt of the stage with voxels twice as large")
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
