"""The table of what a run can put into the scene: one row for each kind of node.

Everything about a kind is said here; how each `content` is read and shown is in the modules that `Results` names.
Adding a kind of known content is a row.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ResultKind:
    """One row.

    Attributes:
        name: how scripts ask for it (`ResultSet.get`).
        file: end of the file's name after `<stem>_`; images without `.nii` or `.nii.gz`.
        suffix: end of the node's name after `<input>_`.
        nodeClass: MRML class.
        content: what is read from the file and how it becomes a node, see `Results.CONTENTS`.
        display: how it looks (images, surfaces) or which way it goes (transforms), see the module of its content.
        map: image that a surface is the zero of, used where there is no file.
    """

    name: str
    file: str
    suffix: str
    nodeClass: str
    content: str
    display: str = ""
    map: str = ""


_VOLUME, _MODEL = "vtkMRMLScalarVolumeNode", "vtkMRMLModelNode"
_WARP = "vtkMRMLTransformNode"

RESULT_KINDS: tuple[ResultKind, ...] = (
    ResultKind("T1w", "T1w", "T1w", _VOLUME, "image", "grey"),
    ResultKind("T2w", "T2w", "T2w", _VOLUME, "image", "grey"),
    ResultKind("FLAIR", "FLAIR", "FLAIR", _VOLUME, "image", "grey"),
    ResultKind("CT", "CT", "CT", _VOLUME, "image", "ct"),
    ResultKind("highres", "highres", "SuperResolution", _VOLUME, "image", "grey"),
    ResultKind("dseg", "dseg", "Segmentation", "vtkMRMLSegmentationNode", "segmentation"),
    ResultKind("lp", "lp", "Distance_LeftPial", _VOLUME, "image", "distance"),
    ResultKind("lw", "lw", "Distance_LeftWhite", _VOLUME, "image", "distance"),
    ResultKind("rp", "rp", "Distance_RightPial", _VOLUME, "image", "distance"),
    ResultKind("rw", "rw", "Distance_RightWhite", _VOLUME, "image", "distance"),
    ResultKind("pialLeft", "hemi-L_pial.surf.gii", "LeftPial", _MODEL, "surface", "pial", "lp"),
    ResultKind("whiteLeft", "hemi-L_white.surf.gii", "LeftWhite", _MODEL, "surface", "white", "lw"),
    ResultKind("pialRight", "hemi-R_pial.surf.gii", "RightPial", _MODEL, "surface", "pial", "rp"),
    ResultKind("whiteRight", "hemi-R_white.surf.gii", "RightWhite", _MODEL, "surface", "white", "rw"),
    ResultKind("biasfield", "biasfield", "BiasField", _VOLUME, "image", "bias"),
    ResultKind("corrected", "corrected", "Corrected", _VOLUME, "image", "input"),
    ResultKind("atlas", "atlas", "Atlas", _VOLUME, "image", "grey"),
    ResultKind(
        "toAtlasAffine", "atlas_affine.tfm", "ToAtlas_Affine", "vtkMRMLLinearTransformNode", "affine", "to atlas"
    ),
    ResultKind("toAtlasWarp", "atlas_warp", "ToAtlas", _WARP, "warp", "to atlas"),
    ResultKind("fromAtlasWarp", "atlas_warp", "FromAtlas", _WARP, "warp", "from atlas"),
    ResultKind("volumes", "volumes.csv", "Volumes", "vtkMRMLTableNode", "volumes"),
    ResultKind("qc", "qc.json", "QC", "vtkMRMLTextNode", "qc"),
)
KINDS: tuple[str, ...] = tuple(kind.name for kind in RESULT_KINDS)
