"""Brain-ID's recipes: features guided by anatomy, their adaptation by one layer, and the baselines."""

from __future__ import annotations

from dataclasses import replace

from BrainFMEngine.anatomy.protocols import BRAINID_33
from BrainFMEngine.generator.affine import AffineRanges
from BrainFMEngine.generator.deformation import DeformationRanges
from BrainFMEngine.generator.mixup import MixupRanges
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.generator.severity import mild_to_severe
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_options import DataOptions, NetworkOptions, ObjectiveOptions, StartOptions
from BrainFMEngine.training.recipe_published import ADNI_SUBJECTS, adaptation_schedule, brain_id_schedule

SHIFT_MM = (24.0, 40.0, 24.0)
"""Half of what a patch of 128³ leaves of a head of 176 × 208 × 176 mm; the published code shifts patches within it."""
SEGMENTATION = {"seg": len(BRAINID_33.ids)}
GUIDES: dict[str, tuple[dict[str, int], tuple[str, ...]]] = {
    "mprage": ({"image": 1}, ("image", "image_grad")),
    "segmentation": (SEGMENTATION, ("seg_ce", "seg_dice")),
    "both": ({"image": 1} | SEGMENTATION, ("image", "image_grad", "seg_ce", "seg_dice")),
}
"""What guides the features -> heads and terms (Brain-ID Table 3)."""
TASKS: dict[str, tuple[dict[str, int], tuple[str, ...]]] = {
    "reconstruction": ({"T1": 1}, ("T1",)),
    "segmentation": (SEGMENTATION, ("seg_ce", "seg_dice")),
    "super-resolution": ({"high_res_residual": 1}, ("high_res_residual", "high_res_residual_grad")),
    "bias-field": ({"bias_field_log": 1}, ("bias_field_log",)),
}
"""Downstream task -> head and terms (Brain-ID §4.3)."""
CONTRAST_DEPENDENT = ("super-resolution", "bias-field")
"""Tasks whose layer sees the input image beside the features (Brain-ID Eq. 5)."""


def brain_id(guide: str = "mprage") -> Recipe:
    """Features from painted images only, guided by the subject's MP-RAGE, its segmentation, or both (Eq. 3)."""
    heads, terms = GUIDES[guide]
    steps, schedule = brain_id_schedule()
    return Recipe(
        name="brain-id" if guide == "mprage" else f"brain-id-{guide}",
        preset="paper",
        network=NetworkOptions(heads, unit_features=False),
        objective=ObjectiveOptions(dict.fromkeys(terms, 1.0)),
        generator=_generator(samples=4, real=0.0),
        schedule=schedule,
        steps=steps,
        samples=4,
    )


def cifl() -> Recipe:
    """Contrastive baseline: channels alike in two samples of an anatomy, no target (§4.2; Chua, Dalca, MIDL 2023)."""
    recipe = brain_id()
    return replace(
        recipe,
        name="cifl",
        network=replace(recipe.network, heads={}),
        objective=ObjectiveOptions({"contrastive": 1.0}),
        generator=_generator(samples=2, real=0.0),
        samples=2,
    )


def adapt(task: str, subjects: int | None = None) -> Recipe:
    """One layer for a downstream task on real images; backbone and layer are fine-tuned together (Eq. 4, Eq. 5)."""
    heads, terms = TASKS[task]
    batch = 1 if task == "bias-field" else 4
    steps, schedule = adaptation_schedule(subjects or ADNI_SUBJECTS, batch)
    contrast_heads = tuple(heads) if task in CONTRAST_DEPENDENT else ()
    return Recipe(
        name=f"adapt-{task}",
        preset="paper",
        network=NetworkOptions(heads, unit_features=False, contrast_heads=contrast_heads),
        objective=ObjectiveOptions(dict.fromkeys(terms, 1.0)),
        generator=_generator(samples=1, real=1.0),
        data=DataOptions(real_probability=1.0, severities=(1 / 3, 1.0)),
        schedule=schedule,
        steps=steps,
        samples=1,
        accumulation=batch,
        start=StartOptions(part="backbone", required=True),
    )


def scratch_for(task: str, subjects: int | None = None) -> Recipe:
    """The same from random weights: "the only difference lies in the initial weights" (appendix D)."""
    return replace(adapt(task, subjects), name=f"scratch-{task}", start=StartOptions())


def _generator(samples: int, real: float) -> GeneratorOptions:
    return GeneratorOptions(
        severities=tuple(mild_to_severe(samples)),
        real_input_probability=real,
        deformation=DeformationRanges(AffineRanges(shift_mm=SHIFT_MM)),
        mixup=MixupRanges(0.0),
        protocol=BRAINID_33.name,
    )
