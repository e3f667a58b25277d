"""From the published recipe to what trains the shipped model, and to what runs in seconds on a CPU."""

from __future__ import annotations

from dataclasses import replace

from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.generator.severity import mild_to_severe
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_options import (
    NetworkOptions,
    ObjectiveOptions,
    OptimizerOptions,
    SavingOptions,
    ScheduleOptions,
    StartOptions,
    ValidationOptions,
)
from BrainFMEngine.training.terms import IMAGE_HEADS, SEGMENTATION_HEADS

PRESETS = ("paper", "compact", "quick")

COMPACT_WEIGHTS = {
    "T1": 5.0,
    "T2": 8.0,
    "FLAIR": 8.0,
    "CT": 4.0,
    "CT_soft": 20.0,
    "CT_bone": 4.0,
    "registration": 12.0,
    "distance": 0.3,
}
"""Weights other than 1. With all at 1 the outputs of a small network show bone and little else: contrast within the
brain is a small part of an image's L1, and soft tissue of a CT spans 0.1 of its unit. Soft tissue fills four times the
room of bone: with these two weights a voxel of either counts about the same."""
COMPACT_AIR_WEIGHTS = {**dict.fromkeys(("T1", "T2", "FLAIR", "CT"), 0.2), "registration": 0.0, "bias_field_log": 0.0}
LEFT_OUT = ("registration_grad",)

WIDE_HEADS = {**dict.fromkeys(SEGMENTATION_HEADS, 8.0), "distance": 6.0}
"""Heads whose answers span many units, and what their first weights are multiplied by."""
WIDE_HEAD_RATE, HEAD_RATE = 80.0, 16.0
"""Heads read vectors of unit length: to span many units their weights must grow large, so they take larger steps."""

COMPACT_SHAPE, QUICK_SHAPE = (128, 160, 128), (32, 32, 32)
COMPACT_STEPS, QUICK_STEPS = 20_000, 20


def compact(recipe: Recipe, start: StartOptions | None = None) -> Recipe:
    """Return the recipe for the shipped architecture: 16 maps, five levels, one sample a step.

    Args:
        recipe: the published one.
        start: what the run begins with, instead of what the published one does.
    """
    network, protocol = _small_network(recipe, f_maps=16, num_levels=5, shape=COMPACT_SHAPE)
    contrastive = "contrastive" in recipe.objective.weights
    real = recipe.generator.real_input_probability
    affine = replace(recipe.generator.deformation.affine, shift_mm=(6.0, 10.0, 30.0))
    generator = replace(
        recipe.generator,
        shape=COMPACT_SHAPE,
        protocol=protocol,
        severities=tuple(mild_to_severe(2 if contrastive else 1)),
        real_input_probability=0.8 if 0 < real < 1 else real,
        deformation=replace(recipe.generator.deformation, affine=affine),
        paint_targets="T2" in network.heads,
    )
    data = replace(recipe.data, severities=None if contrastive else (0.2, 0.9))
    if 0 < real < 1:
        data = replace(data, real_probability=0.2)
    return replace(
        recipe,
        preset="compact",
        network=network,
        generator=generator,
        data=data,
        objective=compact_objective(recipe.objective),
        optimizer=_compact_optimizer(network),
        schedule=ScheduleOptions("linear-decay", warm_up_steps=100, decay_steps=COMPACT_STEPS // 2),
        steps=COMPACT_STEPS,
        samples=2 if contrastive else 1,
        accumulation=1,
        precision="bf16",
        ema_decay=0.999,
        validation=ValidationOptions(every=500, subjects=4),
        saving=SavingOptions(every=100, keep_every=5000),
        start=_compact_start(recipe.start if start is None else start, network),
    )


def quick(recipe: Recipe) -> Recipe:
    """Return the recipe for trying: 8 maps, three levels, samples of 32³ voxels, 20 steps."""
    recipe = compact(recipe, start=StartOptions())
    network, _ = _small_network(recipe, f_maps=8, num_levels=3, shape=QUICK_SHAPE)
    return replace(
        recipe,
        preset="quick",
        network=network,
        generator=replace(recipe.generator, shape=QUICK_SHAPE),
        schedule=ScheduleOptions("linear-decay", warm_up_steps=2, decay_steps=QUICK_STEPS // 2),
        steps=QUICK_STEPS,
        precision="fp32",
        validation=ValidationOptions(every=10, subjects=1),
        saving=SavingOptions(every=5),
    )


def compact_objective(published: ObjectiveOptions) -> ObjectiveOptions:
    """Return the same terms with the weights and masks that a small network needs."""
    names = [name for name in published.weights if name not in LEFT_OUT]
    if "CT" in names:
        names += ["CT_soft", "CT_bone"]
    seen = (*IMAGE_HEADS, *SEGMENTATION_HEADS, "distance", "registration", "bias_field_log")
    return replace(
        published,
        weights={name: COMPACT_WEIGHTS.get(name, 1.0) for name in names},
        air_weights=COMPACT_AIR_WEIGHTS,
        visible_heads=seen,
        average="weights",
        bias="centred-l1",
        class_weights="one",
        dice_classes="present",
        sparse="age" not in names,  # one number a sample has no voxels to leave out
    )


def _small_network(
    recipe: Recipe, f_maps: int, num_levels: int, shape: tuple[int, int, int]
) -> tuple[NetworkOptions, str]:
    """Return the architecture with the compact label protocol in place of BrainFM's, and the protocol."""
    heads, protocol = dict(recipe.network.heads), recipe.generator.protocol
    if protocol == "brainfm-56":
        protocol = COMPACT_40.name
        heads |= {name: len(COMPACT_40.ids) for name in SEGMENTATION_HEADS if name in heads}
    age_size = None if recipe.network.age_size is None else shape
    network = replace(recipe.network, heads=heads, f_maps=f_maps, num_levels=num_levels, age_size=age_size)
    return network, protocol


def _compact_start(start: StartOptions, network: NetworkOptions) -> StartOptions:
    gains = {name: gain for name, gain in WIDE_HEADS.items() if name in network.heads}
    return replace(start, head_gains=gains if network.unit_features else {})


def _compact_optimizer(network: NetworkOptions) -> OptimizerOptions:
    rates = {name: WIDE_HEAD_RATE if name in WIDE_HEADS else HEAD_RATE for name in network.heads}
    return OptimizerOptions(
        learning_rate=5e-4,
        betas=(0.9, 0.99),
        weight_decay=1e-4,
        clip_norm=1.0,
        head_rates=rates if network.unit_features else {},
    )
