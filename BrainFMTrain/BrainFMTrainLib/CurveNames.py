"""What a curve is called in the panel and in legends, and which ones are shown before anybody chooses."""

from __future__ import annotations

from collections.abc import Iterable

from slicer.i18n import tr as _

TOTAL = "loss"
VALIDATION_LOSS = "validation/loss"
"""The loss of the validations among the losses; among the scores it is called "loss"."""


def lossTitle(name: str) -> str:
    """Return what a loss is called; names that are not known stay as they are."""
    if name == TOTAL:
        return _("total")
    if name == VALIDATION_LOSS:
        return _("total, validation")
    head, _mark, part = name.partition("_")
    if name == "bias_field_log":
        head, part = name, ""
    heads = {
        "T1": _("T1w"),
        "T2": _("T2w"),
        "FLAIR": _("FLAIR"),
        "CT": _("CT"),
        "seg": _("segmentation"),
        "pathol": _("pathology"),
        "distance": _("distances"),
        "registration": _("atlas coordinates"),
        "bias": _("bias field"),
        "bias_field_log": _("bias field"),
        "age": _("age"),
    }
    parts = {
        "grad": _("edges"),
        "soft": _("soft tissue"),
        "bone": _("bone"),
        "smooth": _("smoothness"),
        "hessian": _("bending"),
        "ce": _("cross-entropy"),
        "dice": _("Dice"),
        "": "",
    }
    if head not in heads or part not in parts:
        return name
    return ", ".join(text for text in (heads[head], parts[part]) if text)


def scoreTitle(name: str) -> str:
    """Return what a score is called: "task/metric" with the task in words."""
    task, mark, metric = name.partition("/")
    return f"{lossTitle(task)}: {metric}" if mark else name


def usualLosses(names: Iterable[str], several: bool) -> list[str]:
    """Return the losses that are shown when nobody has chosen: the total, and one of each task.

    Args:
        names: of all losses.
        several: whether several runs are shown; then it is the totals alone.
    """
    details = ("_grad", "_soft", "_bone", "_smooth", "_hessian", "_ce")
    totals = (TOTAL, VALIDATION_LOSS)
    return [name for name in names if name in totals or not (several or name.endswith(details))]


def usualScores(names: Iterable[str], several: bool) -> list[str]:
    """Return the scores that are shown when nobody has chosen: those between 0 and 1, of several runs the Dice."""
    wanted = ("mean Dice",) if several else ("mean Dice", "SSIM in brain")
    return [name for name in names if name.endswith(wanted)]
