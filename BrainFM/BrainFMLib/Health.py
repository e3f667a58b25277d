"""What the engine's own check tells of Python, packages and devices, and the sentences a panel shows for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

TORCH = "torch"
TITLES = {TORCH: "PyTorch", "pillow": "Pillow", "numpy": "NumPy"}


@dataclass(frozen=True)
class PackageState:
    """One package that is needed.

    Attributes:
        name: what pip calls it.
        needed: bound of its version, such as ">=5.2".
        installed: version, None if it is not there.
        problem: what is wrong, in English words of the engine; "" if nothing.
        optional: what cannot be done without it; "" if nothing can.
    """

    name: str
    needed: str
    installed: str | None
    problem: str
    optional: str

    @property
    def title(self) -> str:
        """The name as people write it."""
        return TITLES.get(self.name, self.name)


@dataclass(frozen=True)
class DeviceState:
    """One device: the name to ask with, what it is, its own memory in bytes if it has any, and what is wrong."""

    name: str
    title: str
    memoryBytes: int | None
    problem: str


@dataclass(frozen=True)
class Health:
    """The result of a check.

    Attributes:
        problem: why the check itself failed; "" if it did not. Nothing else is known then.
        device: the device that "auto" takes, "" if there is none.
        reason: why that one.
        selfTestProblem: what was wrong in the self-test; "" if nothing; None if it was not run.
    """

    problem: str = ""
    python: str = ""
    executable: str = ""
    packages: tuple[PackageState, ...] = ()
    torchVersion: str = ""
    devices: tuple[DeviceState, ...] = ()
    device: str = ""
    reason: str = ""
    selfTestProblem: str | None = None
    selfTestSeconds: float | None = None

    @classmethod
    def fromReport(cls, report: dict[str, Any]) -> Health:
        """Read the JSON object that the engine printed; what is missing in it counts as not known."""
        packages, devices, torch, test = (
            report.get(key) or {} for key in ("packages", "devices", "torch", "self_test")
        )
        return cls(
            python=str(report.get("python") or ""),
            executable=str(report.get("executable") or ""),
            packages=tuple(_package(row) for row in packages),
            torchVersion=str(torch.get("version") or "") if isinstance(torch, dict) else "",
            devices=tuple(_device(row) for row in devices),
            device=str(report.get("device") or ""),
            reason=str(report.get("reason") or ""),
            selfTestProblem=str(test.get("problem") or "") if test else None,
            selfTestSeconds=test.get("seconds") if test else None,
        )

    @property
    def ready(self) -> bool:
        """Whether the engine can run."""
        return not self.problem and bool(self.packages) and not self.unusable and bool(self.device)

    @property
    def unusable(self) -> tuple[PackageState, ...]:
        """Packages that the engine cannot run without, and that are missing or do not work."""
        return tuple(row for row in self.packages if row.problem and not row.optional)

    @property
    def missing(self) -> tuple[PackageState, ...]:
        """Packages that are not there or too old, optional ones too: what "Install" brings."""
        return tuple(row for row in self.packages if row.problem and (row.installed is None or _isOld(row)))

    @property
    def damaged(self) -> tuple[PackageState, ...]:
        """Packages that are there and do not work: what "Repair" is for."""
        return tuple(row for row in self.packages if row.problem and row.installed is not None and not _isOld(row))

    def summary(self) -> str:
        """Return the state in a sentence."""
        if self.problem:
            return _("BrainFM's Python could not be checked: {problem}.").format(problem=self.problem.rstrip("."))
        damaged = [row for row in self.damaged if not row.optional]
        if damaged:
            names = ", ".join(row.title for row in damaged)
            return _("Damaged: {names}. Press Repair.").format(names=names)
        missing = [row for row in self.missing if not row.optional]
        if missing:
            names = ", ".join(row.title for row in missing)
            return _("Not installed yet: {names}. Press Install.").format(names=names)
        if not self.ready:
            return _("No device can be used.")
        text = _("Ready: Python {python}, PyTorch {torch}.").format(python=self.python, torch=self.torchVersion)
        return " ".join([text, *(_lack(row) for row in self.packages if row.problem)])

    def deviceSentence(self) -> str:
        """Return which device will be used, and why that one."""
        device = next((row for row in self.devices if row.name == self.device), None)
        if device is None:
            return _("No device can be used before PyTorch works.")
        if device.name == "cpu":
            text = _("Runs on the processor: {reason}. That works, but is slower than a GPU.")
            return text.format(reason=self.reason)
        return _("Runs on {title} ({name}): {reason}.").format(title=device.title, name=device.name, reason=self.reason)

    def selfTestSentence(self) -> str:
        """Return how the self-test went, "" if it was not run."""
        if self.selfTestProblem is None:
            return ""
        if self.selfTestProblem:
            return _("Self-test failed: {problem}.").format(problem=self.selfTestProblem)
        seconds = self.selfTestSeconds or 0.0
        return _("Self-test passed: a small network ran on {device} in {seconds:.1f} s.").format(
            device=self.device, seconds=seconds
        )

    def details(self) -> str:
        """Return everything, a line each, for the log and for reports."""
        lines = [f"Python {self.python}: {self.executable}", self.problem]
        lines += [f"{row.name} {row.needed}: {row.problem or row.installed}" for row in self.packages]
        lines += [f"{row.name}: {row.title}{'; ' + row.problem if row.problem else ''}" for row in self.devices]
        lines += [f"device {self.device or 'none'}: {self.reason}", self.selfTestSentence()]
        return "\n".join(line for line in lines if line)


def _isOld(row: PackageState) -> bool:
    return row.problem.startswith("too old")


def _lack(row: PackageState) -> str:
    return _("Without {name} there is nothing of: {what}.").format(name=row.title, what=row.optional)


def _package(row: dict[str, Any]) -> PackageState:
    problem = str(row.get("problem") or ("" if row.get("ok") else "unusable"))
    installed = row.get("installed")
    return PackageState(
        name=str(row.get("name") or ""),
        needed=str(row.get("needed") or ""),
        installed=None if installed is None else str(installed),
        problem=problem,
        optional=str(row.get("optional") or ""),
    )


def _device(row: dict[str, Any]) -> DeviceState:
    memory = row.get("memory_bytes")
    return DeviceState(
        name=str(row.get("name") or ""),
        title=str(row.get("title") or row.get("name") or ""),
        memoryBytes=memory if isinstance(memory, int) else None,
        problem=str(row.get("problem") or ""),
    )
