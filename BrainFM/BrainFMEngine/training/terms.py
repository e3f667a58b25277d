"""The terms that an objective may have: which head each one trains, and what it has to see."""

from __future__ import annotations

from dataclasses import dataclass

IMAGE_HEADS = ("T1", "T2", "FLAIR", "CT", "image", "high_res_residual")
SEGMENTATION_HEADS = ("segmentation", "seg")
BATCH_TERMS = ("contrastive",)
"""Terms of the features of several samples; no head is trained."""


@dataclass(frozen=True)
class Term:
    """One term.

    Attributes:
        heads: outputs it applies to: the first that the network has.
        kind: how it is computed, see `objective`.
        neighbours: whether it compares neighbours, so that it needs voxels without gaps.
    """

    heads: tuple[str, ...]
    kind: str
    neighbours: bool = False


TERMS: dict[str, Term] = {
    **{name: Term((name,), "l1") for name in (*IMAGE_HEADS, "distance", "registration")},
    **{f"{name}_grad": Term((name,), "gradient_l1", True) for name in (*IMAGE_HEADS, "registration")},
    "CT_soft": Term(("CT",), "soft_tissue_l1"),
    "CT_bone": Term(("CT",), "bone_l1"),
    "registration_smooth": Term(("registration",), "smoothness", True),
    "registration_hessian": Term(("registration",), "hessian", True),
    "bias_field_log": Term(("bias_field_log",), "bias"),
    "seg_ce": Term(SEGMENTATION_HEADS, "cross_entropy"),
    "seg_dice": Term(SEGMENTATION_HEADS, "dice"),
    "pathol_ce": Term(("pathology",), "presence_cross_entropy"),
    "pathol_dice": Term(("pathology",), "presence_dice"),
    "age": Term(("age",), "age"),
}
"""Term -> what it is. Names are the published ones, except "high_res_residual" for "SR"."""


def target_name(head: str) -> str:
    """Return which target of a sample a head is compared with."""
    return "segmentation" if head in SEGMENTATION_HEADS else head
