"""How much memory this process has taken at most."""

from __future__ import annotations

import sys


def peak_memory_mb() -> int | None:
    """Return the largest resident size so far in MiB, or None where the system does not tell."""
    try:
        return _windows_bytes() >> 20 if sys.platform == "win32" else _posix_bytes() >> 20
    except (ImportError, OSError, AttributeError):
        return None


def _posix_bytes() -> int:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _windows_bytes() -> int:
    import ctypes
    from ctypes import wintypes

    windll = getattr(ctypes, "windll")  # noqa: B009 - exists on Windows only

    class Counters(ctypes.Structure):
        _fields_ = [
            ("cb", wintypes.DWORD),
            ("PageFaultCount", wintypes.DWORD),
            *(
                (name, ctypes.c_size_t)
                for name in ("PeakWorkingSetSize", "WorkingSetSize", "a", "b", "c", "d", "e", "f")
            ),
        ]

    counters = Counters(cb=ctypes.sizeof(Counters))
    process = windll.kernel32.GetCurrentProcess
    process.restype = wintypes.HANDLE
    measure = windll.psapi.GetProcessMemoryInfo
    measure.argtypes = [wintypes.HANDLE, ctypes.POINTER(Counters), wintypes.DWORD]
    if not measure(process(), ctypes.byref(counters), counters.cb):
        raise OSError("GetProcessMemoryInfo failed")
    return int(counters.PeakWorkingSetSize)
