"""The state of every random generator as tensors and plain values, so that a resumed run draws what it would have.

The engine draws from generators seeded by (seed, stream, step), which need no state. This module is for the global
ones, which libraries may use, and for generators that live as long as a run.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

logger = logging.getLogger(__name__)

Generator = np.random.Generator | torch.Generator | random.Random


def capture_random_state(generators: Mapping[str, Generator] | None = None) -> dict[str, Any]:
    """Return the state of Python's, numpy's and torch's (CPU, CUDA, MPS) global generators.

    Args:
        generators: others, by name.
    """
    state: dict[str, Any] = {
        "python": _python_state(random.getstate()),
        "numpy": _to_plain(np.random.get_state(legacy=False)),
        "torch": torch.get_rng_state(),
        "cuda": list(torch.cuda.get_rng_state_all()) if torch.cuda.is_available() else [],
        "mps": torch.mps.get_rng_state() if torch.backends.mps.is_available() else None,
    }
    state["generators"] = {name: _generator_state(generator) for name, generator in (generators or {}).items()}
    return state


def restore_random_state(state: Mapping[str, Any], generators: Mapping[str, Generator] | None = None) -> None:
    """Set every generator to where it was; a device that is not there any more is left out with a warning.

    Args:
        state: what `capture_random_state` returned.
        generators: the others, by the same names; those whose state is unknown stay as they are.
    """
    random.setstate(_python_tuple(state["python"]))
    np.random.set_state(_from_plain(state["numpy"]))
    torch.set_rng_state(state["torch"].cpu())
    _restore_devices(state)
    for name, generator in (generators or {}).items():
        if name in state["generators"]:
            _set_generator(generator, state["generators"][name])


def _restore_devices(state: Mapping[str, Any]) -> None:
    present = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if len(state["cuda"]) != present:
        text = "the run had %d CUDA devices, here are %d: it continues, but not with the same random numbers on them"
        logger.warning(text, len(state["cuda"]), present)
    for device, saved in enumerate(state["cuda"][:present]):
        torch.cuda.set_rng_state(saved.cpu(), device)
    if state["mps"] is not None and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"].cpu())


def _generator_state(generator: Generator) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, random.Random):
        return _python_state(generator.getstate())
    return _to_plain(generator.bit_generator.state)


def _set_generator(generator: Generator, state: Any) -> None:
    if isinstance(generator, torch.Generator):
        generator.set_state(state.cpu())
    elif isinstance(generator, random.Random):
        generator.setstate(_python_tuple(state))
    else:
        generator.bit_generator.state = _from_plain(state)


def _python_state(state: tuple[Any, ...]) -> dict[str, Any]:
    version, words, gauss = state
    return {"version": version, "words": torch.tensor(words, dtype=torch.int64), "gauss": gauss}


def _python_tuple(state: Mapping[str, Any]) -> tuple[Any, ...]:
    return state["version"], tuple(state["words"].tolist()), state["gauss"]


def _to_plain(value: Any) -> Any:
    """Return numpy's state with arrays as int64 tensors, and numpy's scalars as Python's."""
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        bits = torch.from_numpy(value.astype(np.uint64).view(np.int64).copy())
        return {"array": str(value.dtype), "bits": bits}
    return value.item() if isinstance(value, np.generic) else value


def _from_plain(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"array", "bits"}:
        return value["bits"].cpu().numpy().view(np.uint64).astype(value["array"])
    if isinstance(value, dict):
        return {key: _from_plain(item) for key, item in value.items()}
    return value
