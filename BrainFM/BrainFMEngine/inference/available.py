"""How much memory is free on this machine, on Linux, Windows and macOS, with or without psutil."""

from __future__ import annotations

import ctypes
import importlib
import re
import subprocess
import sys
from pathlib import Path

import torch

UNKNOWN_BYTES = 4 * 2**30  # assumed when the system does not tell


def available_bytes(device: torch.device) -> int:
    """Return the bytes that a new run can use on `device` without pushing others out."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    host = host_available_bytes()
    if device.type == "mps":
        return min(host, torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return host


def host_available_bytes() -> int:
    """Return the free main memory, bounded by the limit of the container if there is one."""
    for source in (_from_psutil, *_SYSTEM_SOURCES.get(sys.platform, ())):
        try:
            return int(min(source(), _container_limit()))
        except (ImportError, OSError, ValueError, AttributeError, subprocess.SubprocessError):
            continue
    return UNKNOWN_BYTES


def _from_psutil() -> int:
    return int(importlib.import_module("psutil").virtual_memory().available)


def _from_meminfo(path: Path = Path("/proc/meminfo")) -> int:
    match = re.search(r"^MemAvailable:\s+(\d+) kB", path.read_text(encoding="ascii"), re.MULTILINE)
    if match is None:
        raise ValueError("MemAvailable is missing")
    return int(match[1]) * 1024


def _container_limit(folder: Path = Path("/sys/fs/cgroup")) -> float:
    """Return what the memory control group (version 2) still allows; infinity without one."""
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        cache = re.search(r"^inactive_file (\d+)", (folder / "memory.stat").read_text(encoding="ascii"), re.MULTILINE)
    except (OSError, ValueError):
        return float("inf")
    return float("inf") if limit == "max" else int(limit) - used + (int(cache[1]) if cache else 0)


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = [
        ("length", ctypes.c_ulong),
        ("load_percent", ctypes.c_ulong),
        ("total_physical", ctypes.c_ulonglong),
        ("available_physical", ctypes.c_ulonglong),
        ("total_page_file", ctypes.c_ulonglong),
        ("available_page_file", ctypes.c_ulonglong),
        ("total_virtual", ctypes.c_ulonglong),
        ("available_virtual", ctypes.c_ulonglong),
        ("available_extended", ctypes.c_ulonglong),
    ]


def _from_windows() -> int:
    status = _MemoryStatus()
    status.length = ctypes.sizeof(status)
    kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
    if not kernel.GlobalMemoryStatusEx(ctypes.byref(status)):
        raise OSError("GlobalMemoryStatusEx failed")
    return int(status.available_physical)


def _from_macos() -> int:
    """Return free, inactive and purgeable pages; sysctl alone tells only the total."""
    text = subprocess.run(["/usr/bin/vm_stat"], capture_output=True, text=True, check=True, timeout=5).stdout
    page = int(re.search(r"page size of (\d+)", text)[1])  # type: ignore[index]
    counts = re.findall(r"^Pages (?:free|inactive|purgeable|speculative):\s+(\d+)", text, re.MULTILINE)
    return page * sum(int(count) for count in counts)


def _from_sysctl() -> int:
    command = ["/usr/sbin/sysctl", "-n", "hw.memsize"]
    total = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout
    return int(total) // 2


_SYSTEM_SOURCES = {
    "linux": (_from_meminfo,),
    "win32": (_from_windows,),
    "darwin": (_from_macos, _from_sysctl),
}
