"""What a checkpoint may hold: tensors and plain values, all of them finite, so that loading can never run code."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from BrainFMEngine.errors import BrainFMError

PLAIN = (bool, int, float, str, type(None))


class NotFiniteError(BrainFMError):
    """NaN or infinity where only numbers may be."""


def plain_state(value: Any, where: str = "state") -> Any:
    """Return a copy of a nested state that `torch.load(weights_only=True)` reads back; tensors are not copied.

    Tensors are detached; one that shows a small part of a large storage is cloned, so that only its part is saved.

    Args:
        value: dicts (keys str or int), lists and tuples of tensors, bool, int, float, str and None.
        where: name of the part, for messages.

    Raises:
        TypeError: anything else is in it.
    """
    if isinstance(value, Tensor):
        tensor = value.detach()
        whole = tensor.untyped_storage().nbytes() <= tensor.numel() * tensor.element_size()
        return tensor if whole else tensor.clone()
    if isinstance(value, Mapping):
        wrong = [key for key in value if not isinstance(key, (str, int))]
        if wrong:
            raise TypeError(f"{where} has a key of type {type(wrong[0]).__name__}")
        return {key: plain_state(item, f"{where}.{key}") for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(plain_state(item, f"{where}[{index}]") for index, item in enumerate(value))
    if type(value) in PLAIN:
        return value
    raise TypeError(f"{where} is a {type(value).__name__}, which a checkpoint cannot hold")


def refuse_not_finite(state: Any) -> None:
    """Check every floating-point tensor and every float of a plain state (an infinite plain float is a setting).

    Raises:
        NotFiniteError: naming the first that holds NaN (or, in a tensor, infinity).
    """
    for where, value in _leaves(state, "state"):
        if isinstance(value, Tensor):
            floating = value.is_floating_point() or value.is_complex()
            bad = floating and not bool(torch.isfinite(value).all())
        else:
            bad = isinstance(value, float) and math.isnan(value)
        if bad:
            hint = "The last good checkpoint is kept; lower the learning rate or look at the data."
            raise NotFiniteError(f"{where} holds NaN or infinity, so it is not saved", hint)


def state_bytes(state: Any) -> int:
    """Return about how many bytes a plain state takes on disk."""
    leaves = [value for _, value in _leaves(state, "")]
    tensors = sum(value.numel() * value.element_size() for value in leaves if isinstance(value, Tensor))
    return tensors + 256 * len(leaves) + 4096


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{where}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{where}[{index}]")
    else:
        yield where, value
