"""Which device to run on: auto, cpu, cuda[:N] or mps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from BrainFMEngine.errors import DeviceMemoryError
from BrainFMEngine.inference.device_name import check_device_name


@dataclass(frozen=True)
class Device:
    """A device that can be asked for: the name to ask with, what it is, and its memory if it has its own."""

    name: str
    title: str
    memory_bytes: int | None


def list_devices() -> list[Device]:
    """Return what this machine offers, the one that `auto` takes first."""
    devices = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            devices.append(Device(f"cuda:{index}", properties.name, properties.total_memory))
    if torch.backends.mps.is_available():
        devices.append(Device("mps", "Apple GPU", None))
    return [*devices, Device("cpu", f"CPU, {torch.get_num_threads()} threads", None)]


def choose_device(name: str = "auto") -> torch.device:
    """Return the device for a name.

    Raises:
        UsageError: not a device name.
        DeviceMemoryError: this machine, or this build of PyTorch, does not have the device.
    """
    wanted = check_device_name(name)
    offered = [device.name for device in list_devices()]
    if wanted == "auto":
        return torch.device(offered[0])
    wanted = "cuda:0" if wanted == "cuda" else wanted
    if wanted not in offered:
        raise DeviceMemoryError(f"device {name} is not available here", f"Available: auto, {', '.join(offered)}.")
    return torch.device(wanted)


@contextmanager
def run_settings(threads: int | None) -> Iterator[None]:
    """Full float32 precision, repeatable algorithms and `threads` CPU threads inside; as before outside."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        with torch.inference_mode(), torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_num_threads(before)
