"""One measured number with what it is about: a line of the tidy table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One number.

    Attributes:
        subject: whose head.
        input: what the model was given, "synthetic T2" or "real FLAIR".
        task: "seg", "registration", "distance", "bias", or the map that was synthesised ("T1w").
        metric: what was measured, and where.
        value: the number, finite.
        unit: of the value; "" for ratios and relative intensities.
    """

    subject: str
    input: str
    task: str
    metric: str
    value: float
    unit: str = ""
