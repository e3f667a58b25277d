"""The sample head in Slicer's module Sample Data, where a click downloads, verifies and loads it."""

from __future__ import annotations

from pathlib import Path

import slicer

CATEGORY = "BrainFM"
SAMPLE_NAME = "BrainFMHead"
FILE_NAME = "BrainFM_head_T1w.nii.gz"
URL = "https://raw.githubusercontent.com/SlicerBrainFM/SlicerBrainFM/main/Resources/SampleData/head_T1w.nii.gz"
SHA256 = "abde5054e7388e9681ca3ee4005d16d92928094e72e06515158abf9e67bca5e7"


def registerSampleData() -> None:
    """Offer the sample head; called once Slicer has started, harmless when called again."""
    import SampleData

    sources = getattr(slicer.modules, "sampleDataSources", {}).get(CATEGORY, [])
    if any(source.sampleName == SAMPLE_NAME for source in sources):
        return
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=SAMPLE_NAME,
        uris=URL,
        fileNames=FILE_NAME,
        nodeNames=SAMPLE_NAME,
        checksums=f"SHA256:{SHA256}",
        thumbnailFileName=str(thumbnail()),
    )


def thumbnail() -> Path:
    """Return the picture that the button shows."""
    return Path(__file__).resolve().parents[1] / "Resources" / "Icons" / "BrainFMHead.png"
