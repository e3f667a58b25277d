"""Numbers of a run's last step, and what its process uses of the machine, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from BrainFMTrainLib.RunList import RunRow

SLOW_DATA = 0.2
"""Told when this much of a step is waiting for data."""


@dataclass(frozen=True)
class RunFacts:
    """Numbers of the last step; None where they are not known yet."""

    step: int | None = None
    loss: float | None = None
    rate: float | None = None
    seconds: float | None = None
    waited: float | None = None
    skipped: int = 0

    def sentence(self, row: RunRow) -> str:
        """Return them in words."""
        if self.step is None:
            return ""
        parts = [_("Step {step} of {steps}").format(step=self.step, steps=row.seen.state.steps if row.seen else "?")]
        if self.loss is not None:
            parts.append(_("loss {loss:.4g}").format(loss=self.loss))
        if self.rate is not None:
            parts.append(_("learning rate {rate:.3g}").format(rate=self.rate))
        if self.seconds is not None:
            parts.append(_("{seconds:.2f} s a step").format(seconds=self.seconds))
        if self.waited and self.seconds and self.waited > SLOW_DATA * self.seconds:
            parts.append(_("of it {waited:.2f} s waiting for data").format(waited=self.waited))
        if self.skipped:
            parts.append(_("{n} steps skipped (not finite)").format(n=self.skipped))
        return " · ".join(parts)


def resourcesSentence(resources: Mapping[str, Any] | None) -> str:
    """Return what a training uses, such as "processor 95 % · memory 2.1 GB"; "" if it does not say.

    Args:
        resources: of its state file, see the engine's `training.resources`.
    """
    values = {name: value for name, value in (resources or {}).items() if isinstance(value, (int, float))}
    gigabytes = {name: value / 1e9 for name, value in values.items()}
    parts = []
    if "cpu_percent" in values:
        parts.append(_("processor {percent:.0f} %").format(percent=values["cpu_percent"]))
    if "rss_bytes" in values:
        parts.append(_("memory {size:.1f} GB").format(size=gigabytes["rss_bytes"]))
    if "device_percent" in values:
        parts.append(_("graphics card {percent:.0f} %").format(percent=values["device_percent"]))
    if "device_bytes" in values and "device_total_bytes" in values:
        text = _("its memory {size:.1f} of {total:.1f} GB")
        parts.append(text.format(size=gigabytes["device_bytes"], total=gigabytes["device_total_bytes"]))
    return " · ".join(parts)
