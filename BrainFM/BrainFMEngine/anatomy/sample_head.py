"""The head that comes with the software, to see samples of without data of one's own."""

from __future__ import annotations

from pathlib import Path

SAMPLE_HEAD = Path(__file__).parent / "sample_head" / "synthseg_13_labels.nii.gz"
"""Label map at 1 mm with FreeSurfer's and SynthSeg's ids; source and licence are in NOTICE.txt beside it."""
SAMPLE_HEAD_TITLE = "Sample head"
SAMPLE_HEAD_CREDIT = "SynthSeg training map 13 (Billot et al. 2023), Apache License 2.0"
