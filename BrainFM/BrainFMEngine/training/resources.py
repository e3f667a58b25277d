"""What a run uses of the machine: CPU, memory and GPU, looked at no more than once a second. Torch-free on a CPU."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

LEAST_SECONDS = 1.0
PROC_PIDTASKINFO = 4
"""Of macOS' libproc."""


class ResourceMeter:
    """Measures this process; safe to be read by several threads.

    Args:
        device: kind of the device that the run uses, as in `torch.device.type`.
        clock: for tests.
    """

    def __init__(self, device: str = "cpu", clock: Callable[[], float] = time.monotonic):
        self.device, self._clock = device, clock
        self._guard = threading.Lock()
        self._looked, self._cpu_seconds = clock(), time.process_time()
        self._latest: dict[str, float | None] | None = None

    def read(self) -> dict[str, float | None]:
        """Return what is used, at most a second old; what cannot be told is None.

        `cpu_percent`: of all cores the process may use, since the last look (100: all are busy).
        `rss_bytes`: main memory of the process. `device_bytes`: memory of the GPU that this process holds, of
        `device_total_bytes`. `device_percent`: how busy the GPU is, by whatever process.
        """
        with self._guard:
            now = self._clock()
            if self._latest is None or now - self._looked >= LEAST_SECONDS:
                self._latest = {"cpu_percent": self._cpu_percent(now), "rss_bytes": rss_bytes(), **self._of_device()}
            return dict(self._latest)

    def _cpu_percent(self, now: float) -> float | None:
        cpu_seconds = time.process_time()
        wall, busy = now - self._looked, cpu_seconds - self._cpu_seconds
        self._looked, self._cpu_seconds = now, cpu_seconds
        return round(min(100.0, 100 * busy / (wall * usable_cores())), 1) if wall > 0 else None

    def _of_device(self) -> dict[str, float | None]:
        values: dict[str, float | None] = {"device_bytes": None, "device_total_bytes": None, "device_percent": None}
        if self.device == "cuda":
            with suppress(Exception):  # a lost device is the step's to report
                values |= _cuda()
        return values


def usable_cores() -> int:
    """Return how many cores this process may use."""
    with suppress(AttributeError, OSError):
        return len(os.sched_getaffinity(0))  # type: ignore[attr-defined, unused-ignore]
    return os.cpu_count() or 1


def rss_bytes() -> int | None:
    """Return the main memory that this process holds now; None where the system does not tell."""
    with suppress(OSError, ValueError, AttributeError):
        return _RSS_SOURCES.get(sys.platform, lambda: None)()
    return None


def _cuda() -> dict[str, float | None]:
    import torch

    values: dict[str, float | None] = {
        "device_bytes": torch.cuda.memory_reserved(),
        "device_total_bytes": torch.cuda.mem_get_info()[1],
    }
    with suppress(Exception):  # needs nvidia-ml-py
        values["device_percent"] = float(torch.cuda.utilization())
    return values


def _from_statm(path: Path = Path("/proc/self/statm")) -> int:
    return int(path.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


class _TaskInfo(ctypes.Structure):
    """Beginning of `proc_taskinfo` of macOS' libproc."""

    _fields_ = [("virtual_size", ctypes.c_uint64), ("resident_size", ctypes.c_uint64), ("rest", ctypes.c_uint8 * 80)]


def _from_libproc() -> int:
    info = _TaskInfo()
    size = ctypes.sizeof(info)
    library = ctypes.CDLL("/usr/lib/libproc.dylib")
    if library.proc_pidinfo(os.getpid(), PROC_PIDTASKINFO, ctypes.c_uint64(0), ctypes.byref(info), size) != size:
        raise OSError("proc_pidinfo failed")
    return int(info.resident_size)


class _MemoryCounters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS of the Windows API."""

    _fields_ = [
        ("size", ctypes.c_ulong),
        ("page_faults", ctypes.c_ulong),
        ("peak_working_set", ctypes.c_size_t),
        ("working_set", ctypes.c_size_t),
        ("rest", ctypes.c_size_t * 6),
    ]


def _from_windows() -> int:
    counters = _MemoryCounters()
    counters.size = ctypes.sizeof(counters)
    kernel: Any = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined, unused-ignore]
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    if not kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.size):
        raise OSError("GetProcessMemoryInfo failed")
    return int(counters.working_set)


_RSS_SOURCES: dict[str, Callable[[], int | None]] = {
    "linux": _from_statm,
    "darwin": _from_libproc,
    "win32": _from_windows,
}
