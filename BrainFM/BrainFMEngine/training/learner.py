"""What learns: network, optimizer, averaged weights and loss scaling; one call is one optimizer step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.network.build import BrainNetwork
from BrainFMEngine.training.average import WeightAverage
from BrainFMEngine.training.cpu_convolutions import use_fast_convolutions
from BrainFMEngine.training.distributed import Group
from BrainFMEngine.training.level_checkpoints import checkpoint_levels
from BrainFMEngine.training.objective import (
    batch_terms,
    neighbour_terms,
    objective_terms,
    sum_terms,
    value_terms,
    weighted_sum,
)
from BrainFMEngine.training.part_outputs import block_window, last_map, outputs_on, sparse_window
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_options import ObjectiveOptions
from BrainFMEngine.training.terms import TERMS

PART_STREAM = 11
AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class StepResult:
    """What the gradients of a step say, before the weights are changed.

    Attributes:
        terms: term -> mean over the mini-batches of its sum over their samples, not weighted.
        loss: the objective.
        norm: of the gradient, before clipping.
        finite: whether loss and norm are; the same in every process.
        calibrating: the norm is not finite only because fp16's loss scale is still too large.
    """

    terms: dict[str, float]
    loss: float
    norm: float
    finite: bool
    calibrating: bool = False


class Learner:
    """Computes gradients (`look`) and applies them (`learn`); `state` and `restore` survive a resume bit for bit.

    Args:
        recipe: precision, objective, optimizer, average, checkpointing.
        network: with its first weights, on its device.
        group: the processes that train together; they must hold the same weights.
    """

    def __init__(self, recipe: Recipe, network: BrainNetwork, group: Group | None = None):
        self.recipe, self.network, self.group = recipe, network, group or Group()
        self.device = next(network.parameters()).device
        self.optimizer = _optimizer(recipe, network)
        self.average = None if recipe.ema_decay is None else WeightAverage(network, recipe.ema_decay)
        scaled = recipe.precision == "fp16" and self.device.type == "cuda"
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=scaled)
        if self.device.type == "cpu" and recipe.precision == "bf16":
            use_fast_convolutions(network)
        if recipe.checkpointing:
            checkpoint_levels(network)

    @property
    def weights(self) -> dict[str, Tensor]:
        """The weights to use: averaged ones where the recipe averages; not copies."""
        return self.network.state_dict() if self.average is None else self.average.weights()

    def look(self, batches: Sequence[Sequence[Sample]], step: int) -> StepResult:
        """Compute the gradients of a step.

        Args:
            batches: this process's mini-batches, each of one subject; their mean over all processes is learnt from.
            step: number of the step; seeds which voxels the losses see.
        """
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        count = len(batches) * self.group.size
        sums: list[dict[str, float]] = []
        loss = 0.0
        for index, samples in enumerate(batches):
            rng = np.random.default_rng(
                (self.recipe.seed, PART_STREAM, step, index * self.group.size + self.group.rank)
            )
            terms, part = self._backward(samples, rng, 1 / count)
            sums.append(terms)
            loss += part
        return self._judge(sums, loss)

    def learn(self, rate: float) -> None:
        """Take the step: `rate` is the backbone's learning rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update(self.network)

    def skip(self) -> None:
        """Leave the weights as they are; fp16's loss scale is halved."""
        self.scaler.update()

    def state(self) -> dict[str, Any]:
        """Return tensors and plain values for a checkpoint; the tensors are not copies."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.state(),
            "scaler": self.scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue as `state` was, with the options of this recipe.

        Raises:
            UsageError: it is the state of another network.
        """
        options = [{key: value for key, value in g.items() if key != "params"} for g in self.optimizer.param_groups]
        try:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            hint = "Begin another run with --start RUN/model, or restore the recipe's network, start and head rates."
            raise UsageError("the checkpoint does not fit this recipe's network and optimizer", hint) from error
        for group, own in zip(self.optimizer.param_groups, options, strict=True):
            group.update(own)
        if self.average is not None and state["average"] is not None:
            self.average.restore(state["average"])
        self.scaler.load_state_dict(state["scaler"])

    def _backward(
        self, samples: Sequence[Sample], rng: np.random.Generator, share: float
    ) -> tuple[dict[str, float], float]:
        """Add the gradients of one mini-batch; return its terms and its share of the loss.

        Samples are sent backwards one by one, which gives the gradient of the sum over them at the memory of one;
        only a term that compares their features needs all at once.
        """
        options = self.recipe.objective
        if "contrastive" in options.weights:
            seen = [self._terms(sample, rng) for sample in samples]
            terms = sum_terms([part for part, _ in seen]) | batch_terms([features for _, features in seen], options)
            return self._send_back(terms, share)
        sums: dict[str, float] = {}
        loss = 0.0
        for sample in samples:
            terms, _ = self._terms(sample, rng)
            values, part = self._send_back(terms, share)
            loss += part
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + value
        return sums, loss

    def _send_back(self, terms: dict[str, Tensor], share: float) -> tuple[dict[str, float], float]:
        if not terms:
            return {}, 0.0
        loss = weighted_sum(terms, self.recipe.objective) * share
        self.scaler.scale(loss).backward()
        return {name: float(term.detach()) for name, term in terms.items()}, float(loss.detach())

    def _terms(self, sample: Sample, rng: np.random.Generator) -> tuple[dict[str, Tensor], Tensor]:
        """Return the terms of a sample and its last feature map."""
        options, network = self.recipe.objective, self.network
        image = sample.image[None]
        if self.device.type == "cpu":
            image = image.to(memory_format=torch.channels_last_3d)
        dtype = AUTOCAST.get(self.recipe.precision)
        with torch.autocast(self.device.type, dtype=dtype, enabled=dtype is not None):
            frozen = self.recipe.start.freeze_backbone
            with torch.set_grad_enabled(not frozen):
                features = last_map(network, image) if options.sparse else network.backbone(image, False)[-1]
            if not options.sparse:
                return objective_terms(network.head(features, image), sample, options), features
            sparse, block = sparse_window(sample.head.shape, rng), block_window(sample.head.shape, rng)
            values = outputs_on(network, features, image, sparse, network.config.heads)
            nearby = outputs_on(network, features, image, block, _heads_of_neighbours(network, options))
            terms = value_terms(values, sample.part(sparse), options)
            return terms | neighbour_terms(nearby, sample.part(block), options), features

    def _judge(self, sums: list[dict[str, float]], loss: float) -> StepResult:
        names = sorted({name for terms in sums for name in terms})
        terms = {name: sum(part.get(name, 0.0) for part in sums) / len(sums) for name in names}
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.group.sum_gradients(parameters)
        self.scaler.unscale_(self.optimizer)
        limit = self.recipe.optimizer.clip_norm
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, float("inf") if limit is None else limit))
        means = self.group.mean_terms({**terms, "": loss * self.group.size})
        total = means.pop("")
        calibrating = bool(np.isfinite(total) and not np.isfinite(norm) and self.scaler.is_enabled())
        return StepResult(means, total, norm, bool(np.isfinite(norm) and np.isfinite(total)), calibrating)


def _heads_of_neighbours(network: BrainNetwork, options: ObjectiveOptions) -> list[str]:
    """Return the heads that have a term which compares neighbours."""
    names = [name for name in options.weights if name in TERMS and TERMS[name].neighbours]
    return [head for head in network.config.heads if any(head in TERMS[name].heads for name in names)]


def _optimizer(recipe: Recipe, network: BrainNetwork) -> torch.optim.AdamW:
    """Return AdamW with a group for the backbone and one for each rate that heads have."""
    options = recipe.optimizer
    factors: dict[float, list[torch.nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if name.startswith("backbone."):
            parameter.requires_grad_(not recipe.start.freeze_backbone)
            if recipe.start.freeze_backbone:
                continue
        factors.setdefault(_factor(name, options.head_rates), []).append(parameter)
    groups = [{"params": parameters, "factor": factor} for factor, parameters in sorted(factors.items())]
    return torch.optim.AdamW(groups, options.learning_rate, options.betas, weight_decay=options.weight_decay)


def _factor(name: str, head_rates: dict[str, float]) -> float:
    """Return the learning rate of a parameter relative to the backbone's."""
    part = name.split(".")[1] if "." in name else name
    return head_rates.get(part.removeprefix("final_conv_"), 1.0)
