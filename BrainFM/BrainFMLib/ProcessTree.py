"""Finding and ending a process with everything that came of it. Only the standard library is used.

A child that outlives its parent gets another one, so it is no longer found by following parents. Therefore a tree is
looked at while it lives: its processes are remembered with the time they started at (numbers are used again), and so
are the sessions that they lead (`BRAINFM_OWN_SESSION`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessRow:
    """One living process: its number, its parent, its session (macOS: its group), and when it started."""

    pid: int
    parent: int
    session: int
    started: str


class ProcessTree:
    """A process and its descendants, of all generations."""

    def __init__(self, pid: int):
        if pid <= 1:
            raise ValueError(f"{pid} is not the number of a program's process")
        self.pid = pid
        self._known: dict[int, str] = {}
        self._sessions = {pid}
        self._rootLives = True

    def look(self) -> list[ProcessRow]:
        """Remember who belongs to the tree now; return the living ones. Nothing is found on Windows."""
        table = processTable()
        found = {row.pid: row for row in table.values() if self._known.get(row.pid) == row.started}
        if self._rootLives and self.pid in table:
            found[self.pid] = table[self.pid]
        grown = True
        while grown:
            self._sessions |= {row.session for row in found.values() if row.session in found}
            more = {
                row.pid: row
                for row in table.values()
                if row.pid not in found and (row.parent in found or row.session in self._sessions)
            }
            found |= more
            grown = bool(more)
        found.pop(os.getpid(), None)
        self._known |= {row.pid: row.started for row in found.values()}
        return list(found.values())

    def rootEnded(self) -> None:
        """Say that the first process has ended: its number may be another's from now on."""
        self._rootLives = False

    def kill(self) -> None:
        """End all of it at once, without asking."""
        if sys.platform == "win32":
            if self._rootLives:
                _taskkill(self.pid)
            return
        ended: set[int] = set()
        while new := [row.pid for row in self.look() if row.pid not in ended]:  # some may be born meanwhile
            for pid in new:
                _kill(pid)
            ended.update(new)


def killTree(pid: int) -> None:
    """End a process and everything that came of it."""
    ProcessTree(pid).kill()


def childrenOf(pid: int) -> list[int]:
    """Return the numbers of the living descendants of a process, of all generations; none on Windows."""
    return sorted(row.pid for row in ProcessTree(pid).look() if row.pid != pid)


def processTable() -> dict[int, ProcessRow]:
    """Return every living process of this machine by its number; an empty table on Windows."""
    if sys.platform == "win32":
        return {}
    rows = _rowsOfProc() if Path("/proc/self/stat").exists() else _rowsOfPs()
    return {row.pid: row for row in rows}


def _rowsOfProc() -> list[ProcessRow]:
    rows = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                text = file.read(4096)
        except OSError:  # it has ended
            continue
        values = text.rpartition(b")")[2].split()  # the program's name, before, may contain anything
        if values[0] not in (b"Z", b"X"):
            rows.append(ProcessRow(int(name), int(values[1]), int(values[3]), values[19].decode()))
    return rows


def _rowsOfPs() -> list[ProcessRow]:
    command = ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat=,lstart="]
    environment = {**os.environ, "LC_ALL": "C"}
    output = subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout
    rows = []
    for line in output.splitlines():
        values = line.split(maxsplit=4)
        if len(values) == 5 and not values[3].startswith("Z"):
            rows.append(ProcessRow(int(values[0]), int(values[1]), int(values[2]), values[4]))
    return rows


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _taskkill(pid: int) -> None:
    """Start Windows' own tool; it is not waited for."""
    command = ["taskkill", "/PID", str(pid), "/T", "/F"]
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    nothing = subprocess.DEVNULL
    subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, creationflags=hidden)
