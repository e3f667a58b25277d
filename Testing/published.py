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
