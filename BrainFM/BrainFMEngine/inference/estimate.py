"""What a run will take, told before the scan is read or the weights are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from BrainFMEngine.image.volume import Shape3D
from BrainFMEngine.inference.memory import kept_bytes
from BrainFMEngine.inference.strategy import Plan, memory_needs
from BrainFMEngine.network.config import NetworkConfig


@dataclass(frozen=True)
class Estimate:
    """The way that a run will take.

    Attributes:
        plan: device, and the windows if there are any.
        memory_bytes: what it takes of the memory that is scarcer for it, the device's or the main memory.
        free_bytes: what is free there.
    """

    plan: Plan
    memory_bytes: int
    free_bytes: int

    @property
    def fits(self) -> bool:
        """Whether the run is expected to work."""
        return self.memory_bytes <= self.free_bytes


@dataclass(frozen=True)
class Work:
    """What is to be computed.

    Attributes:
        config: the architecture.
        heads: outputs to evaluate.
        weights: bytes of the network's parameters.
        shape: (X, Y, Z) voxels that the network will see.
        voxels: of the grid that results lie on.
        passes: 2 when the mirrored image is evaluated too, else 1.
        posteriors: whether the probabilities are kept.
    """

    config: NetworkConfig
    heads: tuple[str, ...]
    weights: int
    shape: Shape3D
    voxels: int
    passes: int = 1
    posteriors: bool = False


def estimate(work: Work, plans: Sequence[Plan]) -> Estimate:
    """Return the first plan that fits, as a run would choose it; if none does, the one that lacks least."""
    kept = kept_bytes(work.config, work.heads, work.voxels, work.posteriors)
    found = [_estimate(work, plan, kept) for plan in plans]
    return next((way for way in found if way.fits), min(found, key=lambda way: way.memory_bytes - way.free_bytes))


def _estimate(work: Work, plan: Plan, kept: int) -> Estimate:
    needs = memory_needs(work.config, work.heads, work.passes, work.weights, work.shape, plan, kept)
    return Estimate(plan, *max(needs, key=lambda pair: pair[0] - pair[1]))
