"""Short files of our own for those of the application's share folder, which the wheel does not hold."""

from __future__ import annotations

import json
from pathlib import Path

SCHEMAS = "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/schemas/"
TISSUE = {"CodingSchemeDesignator": "SCT", "CodeValue": "85756007", "CodeMeaning": "Tissue"}
BRAIN = {"CodingSchemeDesignator": "SCT", "CodeValue": "12738006", "CodeMeaning": "Brain"}
CONTEXTS = ("SegmentationCategoryTypeModifier-SlicerGeneralAnatomy", "SegmentationCategoryTypeModifier-DICOM-Master")
REGIONS = "AnatomicRegionAndModifier-DICOM-Master"
LABELS = 600


def write(share: Path) -> None:
    """Colour table for label maps, and terminologies of one entry each."""
    colors, terminologies = share / "ColorFiles", share / "terminologies"
    colors.mkdir(parents=True)
    terminologies.mkdir()
    (colors / "GenericColors.txt").write_text(generic_colors(), encoding="utf-8")
    for name in CONTEXTS:
        (terminologies / f"{name}.term.json").write_text(json.dumps(segment_context(name)), encoding="utf-8")
    (terminologies / f"{REGIONS}.term.json").write_text(json.dumps(region_context()), encoding="utf-8")


def generic_colors() -> str:
    """Lines of number, name, red, green, blue, alpha (0..255)."""
    lines = ["0 Background 0 0 0 0"]
    for i in range(1, LABELS):
        lines.append(f"{i} label_{i} {i * 71 % 215 + 40} {i * 131 % 215 + 40} {i * 197 % 215 + 40} 255")
    return "\n".join(lines) + "\n"


def segment_context(name: str) -> dict:
    """A segmentation terminology with the one type that Slicer gives to a new segment."""
    kind = {**TISSUE, "recommendedDisplayRGBValue": [128, 174, 128]}
    return {
        "SegmentationCategoryTypeContextName": name.removeprefix("SegmentationCategoryTypeModifier-").replace("-", " "),
        "@schema": f"{SCHEMAS}segment-context-schema.json#",
        "SegmentationCodes": {"Category": [{**TISSUE, "showAnatomy": True, "Type": [kind]}]},
    }


def region_context() -> dict:
    """Anatomic regions: the brain."""
    return {
        "AnatomicContextName": "Anatomic codes - DICOM master list",
        "@schema": f"{SCHEMAS}anatomic-context-schema.json#",
        "AnatomicCodes": {"AnatomicRegion": [BRAIN]},
    }
