"""Noise of one value a voxel, from a seed that is kept with the sample's parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

from BrainFMEngine.errors import UsageError

_drawn_on: ContextVar[str | None] = ContextVar("drawn_on", default=None)


def normal_field(shape: tuple[int, ...], seed: int, device: torch.device | str = "cpu") -> Tensor:
    """Return standard normal values, float32; the same bits for the same seed on the same kind of device.

    Args:
        shape: of the values.
        seed: of a generator of its own.
        device: where the values are wanted; they are drawn there too, unless `noise_drawn_on` says otherwise.
    """
    source = _drawn_on.get() or device
    generator = torch.Generator(device=source).manual_seed(seed)
    return torch.randn(shape, generator=generator, device=source).to(device)


@contextmanager
def noise_drawn_on(kind: str | None) -> Iterator[None]:
    """Draw noise on another kind of device than it is wanted on: CPU and GPU have different generators.

    Args:
        kind: "cpu", "cuda" or "mps"; None draws where values are wanted.

    Raises:
        UsageError: this machine lacks the device.
    """
    if kind not in (None, "cpu") and not getattr(torch, kind).is_available():
        raise UsageError(f"the noise was drawn on a {kind} device, which is not available here")
    token = _drawn_on.set(kind)
    try:
        yield
    finally:
        _drawn_on.reset(token)
