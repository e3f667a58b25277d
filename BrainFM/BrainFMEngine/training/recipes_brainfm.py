"""BrainFM's recipes: five tasks at once, and what is adapted from such a model (BrainFM §3.2, §4.1.5)."""

from __future__ import annotations

from dataclasses import replace

from BrainFMEngine.anatomy.protocols import BRAINFM_56, BRAINFM_LEFT_18
from BrainFMEngine.generator.affine import AffineRanges
from BrainFMEngine.generator.deformation import DeformationRanges
from BrainFMEngine.generator.mixup import MixupRanges
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.generator.resolution import ResolutionRanges
from BrainFMEngine.generator.severity import LEVELS
from BrainFMEngine.generator.velocity import VelocityRanges
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_options import DataOptions, NetworkOptions, ObjectiveOptions, StartOptions
from BrainFMEngine.training.recipe_published import ADHD200_SUBJECTS, BRAINFM_SUBJECTS, brainfm_schedule

HEADS = {
    "T1": 1,
    "T2": 1,
    "FLAIR": 1,
    "CT": 1,
    "bias_field_log": 1,
    "segmentation": len(BRAINFM_56.ids),
    "distance": 4,
    "registration": 3,
}
TERMS = (
    *(f"{contrast}{part}" for contrast in ("T1", "T2", "FLAIR", "CT") for part in ("", "_grad")),
    "bias_field_log",
    "seg_ce",
    "seg_dice",
    "distance",
    "registration",
    "registration_grad",
)
AGE_SHAPE = (160, 160, 160)
FROM_JOINT = StartOptions(part="all", required=True)


def brainfm(subjects: int | None = None) -> Recipe:
    """Five tasks at once on painted and real images, mixed (BrainFM §3.2.2, §3.1.4, §4.1.5)."""
    steps, schedule = brainfm_schedule(subjects or BRAINFM_SUBJECTS)
    return Recipe(
        name="brainfm",
        preset="paper",
        network=NetworkOptions(HEADS),
        objective=ObjectiveOptions(dict.fromkeys(TERMS, 1.0)),
        generator=GeneratorOptions(protocol=BRAINFM_56.name, real_input_probability=0.5, mixup=MixupRanges(0.2)),
        schedule=schedule,
        steps=steps,
        samples=4,
        precision="fp16",
    )


def scratch(subjects: int | None = None) -> Recipe:
    """Baseline of BrainFM Tables 2 and 3: the same network and tasks, on painted images only as in Brain-ID."""
    recipe = brainfm(subjects)
    generator = replace(recipe.generator, real_input_probability=0.0, mixup=MixupRanges(0.0))
    return replace(recipe, name="scratch", generator=generator)


def super_resolution(subjects: int | None = None) -> Recipe:
    """The residual between a scan and its 1 mm version, from a joint model."""
    return _downstream(
        "super-resolution", {"high_res_residual": 1}, ("high_res_residual", "high_res_residual_grad"), subjects
    )


def brain_age(subjects: int | None = None) -> Recipe:
    """Age in years from a real image, moved rigidly only: shape and size are what the age shows in."""
    recipe = _downstream("brain-age", {}, ("age",), subjects or ADHD200_SUBJECTS)
    rigid = DeformationRanges(AffineRanges(shear=0.0, scale=0.0), VelocityRanges(std_mm=0.0))
    return replace(
        recipe,
        network=replace(recipe.network, age_size=AGE_SHAPE),
        generator=replace(recipe.generator, shape=AGE_SHAPE, deformation=rigid),
        start=replace(FROM_JOINT, part="backbone"),
    )


def hemisphere(subjects: int | None = None) -> Recipe:
    """The left cerebrum alone, as post-mortem hemispheres are scanned: no CT, 18 classes, two distance maps."""
    heads = {name: channels for name, channels in HEADS.items() if name != "CT"}
    heads |= {"segmentation": len(BRAINFM_LEFT_18.ids), "distance": 2}
    terms = tuple(name for name in TERMS if not name.startswith("CT"))
    return _downstream("hemisphere", heads, terms, subjects, DataOptions(hemisphere="left"), BRAINFM_LEFT_18.name)


def low_field(subjects: int | None = None) -> Recipe:
    """All tasks on what portable scanners deliver: every sample has one of the two low-field resolutions."""
    recipe = _downstream("low-field", HEADS, TERMS, subjects)
    corruption = replace(LEVELS["severe"], resolution=ResolutionRanges(low_field_probability=1.0))
    return replace(recipe, generator=replace(recipe.generator, corruption=corruption))


def _downstream(
    name: str,
    heads: dict[str, int],
    terms: tuple[str, ...],
    subjects: int | None,
    data: DataOptions | None = None,
    protocol: str = BRAINFM_56.name,
) -> Recipe:
    """Return the joint recipe for other heads, begun with a joint model (its configurations share the schedule)."""
    joint = brainfm(subjects)
    age_size = joint.generator.shape if "age" in terms else None
    return replace(
        joint,
        name=name,
        network=replace(joint.network, heads=heads, age_size=age_size),
        objective=ObjectiveOptions(dict.fromkeys(terms, 1.0)),
        generator=replace(joint.generator, protocol=protocol),
        data=data or DataOptions(),
        start=FROM_JOINT,
    )
