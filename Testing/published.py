"""Facts of the published networks that several tests use."""

from __future__ import annotations

JOINT_HEADS = {
    "T1": 1,
    "T2": 1,
    "FLAIR": 1,
    "CT": 1,
    "bias_field_log": 1,
    "segmentation": 56,
    "distance": 4,
    "registration": 3,
}
"""Heads of the released BrainFM model and their channels."""

# The reference was computed in float32 on one kind of CPU: up to 1.3e-3 from the exact values. Another CPU adds in
# another order and is as far off elsewhere, so networks are compared in float64, which gives the same everywhere.
ROUNDING_OF_REFERENCE = 2e-3
