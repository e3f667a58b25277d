"""What the user may choose about the files."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OutputOptions:
    """Optional files, and whether to replace results that are already there.

    Attributes:
        posteriors: write the probability of every structure.
        features: write the network's last feature map (1 mm grid).
        surfaces: write cortical surfaces (needs scikit-image).
        overwrite: replace an earlier result of the same name.
        uncompressed: write images as `.nii`, which programs read faster than `.nii.gz`.
    """

    posteriors: bool = False
    features: bool = False
    surfaces: bool = False
    overwrite: bool = False
    uncompressed: bool = False
