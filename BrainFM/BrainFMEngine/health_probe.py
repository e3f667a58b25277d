"""The part of the health check that imports packages, in a process that may crash; prints a JSON line for each step."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from BrainFMEngine.health import NOT_FOUND


def main(arguments: Sequence[str] | None = None) -> None:
    """Run "packages MODULE..." or "torch [--self-test]"."""
    what, *rest = sys.argv[1:] if arguments is None else arguments
    if what == "packages":
        for module in rest:
            _tell(**_import(module))
        return
    imported = _import("torch")
    _tell(**imported)
    if "problem" not in imported:
        _tell(**_devices())
        if "--self-test" in rest:
            _tell(self_test=_self_test())


def _tell(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def _import(module: str) -> dict[str, Any]:
    try:
        imported = importlib.import_module(module)
        parts = {"skimage": ["skimage.measure"], "PIL": ["PIL.Image"], "torch": ["torch.nn"]}
        for part in parts.get(module, []):
            importlib.import_module(part)
    except BaseException as error:  # a damaged package may raise anything, SystemExit too
        absent = isinstance(error, ModuleNotFoundError) and error.name == module
        return {"module": module, "problem": NOT_FOUND if absent else f"cannot be imported: {_summary(error)}"}
    version = getattr(imported, "__version__", None)
    if version is None and getattr(imported, "__file__", None) is None:  # a folder is left, the package is gone
        return {"module": module, "problem": NOT_FOUND}
    return {"module": module, "version": None if version is None else str(version)}


def _summary(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _devices() -> dict[str, Any]:
    """Return every device, the one to use, and why that one."""
    import torch

    from BrainFMEngine.inference.device import list_devices

    rows: list[dict[str, Any]] = []
    for device in list_devices():
        rows.append({**vars(device), "problem": _problem_of(torch.device(device.name))})
    usable = [row for row in rows if row["problem"] is None] or rows[-1:]
    chosen = usable[0]
    if chosen["name"] == "cpu":
        failed = [f"{row['title']} cannot run this PyTorch ({row['problem']})" for row in rows if row["name"] != "cpu"]
        reason = "; ".join(failed) or _why_no_gpu()
    else:
        memory = f", with {chosen['memory_bytes'] / 2**30:.0f} GB of its own" if chosen["memory_bytes"] else ""
        reason = f"the fastest device here{memory}"
    return {"devices": rows, "device": chosen["name"], "reason": reason}


def _problem_of(device: Any) -> str | None:
    """Run a small convolution: a GPU that this PyTorch has no code for fails here, not in the middle of a run."""
    import torch

    try:
        with torch.inference_mode():
            values = torch.nn.functional.conv3d(
                torch.ones(1, 1, 4, 4, 4, device=device), torch.ones(1, 1, 3, 3, 3, device=device)
            )
            return None if float(values.mean()) == 27.0 else "it computes wrongly"
    except Exception as error:
        return _summary(error)


def _why_no_gpu() -> str:
    import torch

    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        if _has_nvidia_driver():
            return "there is an NVIDIA GPU, but this PyTorch was built without support for it"
        return "no GPU that this PyTorch can use"
    if not _has_nvidia_driver():
        return "no NVIDIA driver was found"
    return f"PyTorch cannot reach the NVIDIA GPU; its driver may be too old for CUDA {torch.version.cuda}"


def _has_nvidia_driver() -> bool:
    system = Path(os.environ.get("SystemRoot", r"C:\Windows")) / "System32" / "nvidia-smi.exe"
    return bool(shutil.which("nvidia-smi")) or Path("/proc/driver/nvidia/version").exists() or system.exists()


def _self_test() -> dict[str, Any]:
    """Run a network of the real kind, only small, on the device that would be taken."""
    import torch

    from BrainFMEngine.network.build import build_network
    from BrainFMEngine.network.config import NetworkConfig

    start = time.perf_counter()
    edge, heads = 32, {"T1": 1, "segmentation": 40, "distance": 4}
    try:
        device = torch.device(_devices()["device"])
        network = build_network(NetworkConfig(heads, f_maps=8, num_levels=3)).to(device).eval()
        with torch.inference_mode():
            outputs = network(torch.rand(1, 1, edge, edge, edge).to(device))
        for name, channels in heads.items():
            values = outputs[name]
            if tuple(values.shape) != (1, channels, edge, edge, edge) or not bool(torch.isfinite(values).all()):
                return {"ok": False, "seconds": None, "problem": f"the network's {name} is wrong"}
    except Exception as error:
        return {"ok": False, "seconds": None, "problem": _summary(error)}
    return {"ok": True, "seconds": round(time.perf_counter() - start, 3), "problem": None}


if __name__ == "__main__":
    main()
