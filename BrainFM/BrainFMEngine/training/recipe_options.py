"""The parts of a recipe, each a frozen dataclass of plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Literal

from BrainFMEngine.errors import ModelFileError, UsageError, nearest_name
from BrainFMEngine.generator.range_checks import check_limits, check_probability
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.training.terms import BATCH_TERMS, IMAGE_HEADS, TERMS

DENSE_HEADS = (*IMAGE_HEADS, "bias_field_log", "segmentation", "seg", "distance", "registration", "pathology")


@dataclass(frozen=True)
class NetworkOptions:
    """Architecture; the attributes are those of `network.config.NetworkConfig`."""

    heads: dict[str, int]
    f_maps: int = 64
    num_levels: int = 5
    unit_features: bool = True
    hidden_maps: tuple[int, ...] = ()
    contrast_heads: tuple[str, ...] = ()
    age_size: tuple[int, int, int] | None = None

    def __post_init__(self):
        self.config()

    def config(self) -> NetworkConfig:
        """Return the architecture; UsageError if it is impossible."""
        try:
            return NetworkConfig(**asdict(self))
        except ModelFileError as error:
            raise UsageError(error.message, error.hint) from error

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of everything that the network answers."""
        return (*self.heads, *(() if self.age_size is None else ("age",)))


@dataclass(frozen=True)
class DataOptions:
    """Which subjects samples come from and what happens to them after the generator.

    Attributes:
        real_probability: how often a step takes a subject with scans of its own; None draws from all alike.
        severities: range that the severities of every mini-batch are drawn from, mild to severe; None takes those of
            the generator options.
        hemisphere: "left" keeps the left cerebrum only (see `hemisphere`).
        ages: file of the subjects' ages (see `ages`), for the age head.
    """

    real_probability: float | None = None
    severities: tuple[float, float] | None = None
    hemisphere: Literal["both", "left"] = "both"
    ages: str | None = None

    def __post_init__(self):
        if self.real_probability is not None:
            check_probability("probability of a subject with scans", self.real_probability)
        if self.severities is not None:
            check_limits("severity", self.severities, high=1.0)


@dataclass(frozen=True)
class ObjectiveOptions:
    """Terms of the objective and where they count (BrainFM §3.2.2). The defaults are the published ones.

    Attributes:
        weights: term -> weight; a term that is not named is not computed. Names are in `terms`.
        air_weights: head -> weight of voxels outside the subject; 1 if not named.
        visible_heads: heads whose errors do not count where cropping or defacing hid the subject.
        average: what the weighted sum of errors is divided by: the number of "voxels" as published, or the "weights".
        bias: "l2" of the logarithmic field, or "centred-l1": L1 after its mean over the head is subtracted.
        class_weights: "share": every class counts 1 / number of classes in the cross-entropy; or "one".
        dice_classes: "all" as published, where absent classes count as wrong, or "present".
        soft_tissue_hu: "CT_soft" counts voxels of a smaller absolute value, in HU.
        bone_hu: "CT_bone" counts voxels of a larger value, in HU.
        sparse: estimate the terms on an eighth of the voxels (see `part_outputs`).
        temperatures: of the contrastive term; the published code gives no values, these are ours.
    """

    weights: dict[str, float]
    air_weights: dict[str, float] = field(default_factory=lambda: {"bias_field_log": 0.0})
    visible_heads: tuple[str, ...] = ("T1", "T2", "FLAIR", "CT", "image")
    average: Literal["voxels", "weights"] = "voxels"
    bias: Literal["l2", "centred-l1"] = "l2"
    class_weights: Literal["share", "one"] = "share"
    dice_classes: Literal["all", "present"] = "all"
    soft_tissue_hu: float = 100.0
    bone_hu: float = 250.0
    sparse: bool = False
    temperatures: tuple[float, float, float] = (0.1, 0.1, 0.1)

    def __post_init__(self):
        _check_names("term", self.weights, (*TERMS, *BATCH_TERMS))
        _check_names("head", (*self.air_weights, *self.visible_heads), DENSE_HEADS)
        for name, weight in (*self.weights.items(), *self.air_weights.items()):
            _check(0 <= weight < float("inf"), f"the weight of {name!r} is {weight:g}", "Give 0 or more.")
        _check(any(self.weights.values()), "the objective has no term", f"Terms: {', '.join(TERMS)}.")
        _check(min(self.temperatures) > 0, "a temperature is not positive")
        _check(self.soft_tissue_hu > 0, "soft_tissue_hu is not positive")
        _check(self.bone_hu > 0, "bone_hu is not positive")


@dataclass(frozen=True)
class OptimizerOptions:
    """AdamW.

    Attributes:
        learning_rate: highest rate of the backbone.
        betas: of the moving averages.
        weight_decay: as AdamW defines it.
        clip_norm: the gradient is scaled down to this norm; None never.
        head_rates: head -> its learning rate relative to the backbone's; 1 if not named.
    """

    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip_norm: float | None = None
    head_rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self):
        _check(0 < self.learning_rate < 1, f"a learning rate of {self.learning_rate:g} does not train")
        _check(all(0 <= beta < 1 for beta in self.betas), f"betas {self.betas} are not within 0 .. 1")
        _check(0 <= self.weight_decay < 1, f"a weight decay of {self.weight_decay:g} is not within 0 .. 1")
        _check(self.clip_norm is None or self.clip_norm > 0, "clip_norm is not positive", "null never clips.")
        _check(all(rate > 0 for rate in self.head_rates.values()), "a rate in head_rates is not positive")


@dataclass(frozen=True)
class ScheduleOptions:
    """The course of the learning rate; see `schedule.learning_rate`.

    Attributes:
        kind: what follows the warm-up.
        warm_up_steps: steps of linear growth from 0.
        drops: steps at which "multistep" multiplies by `gamma`.
        gamma: that factor.
        decay_steps: length of the fall at the end of "linear-decay"; 0 never falls.
        final: what "cosine" and "linear-decay" end with, relative to the highest rate.
        late_drops: count drops from the end of the warm-up, as the published code does by mistake.
    """

    kind: Literal["constant", "multistep", "cosine", "linear-decay"] = "constant"
    warm_up_steps: int = 0
    drops: tuple[int, ...] = ()
    gamma: float = 0.1
    decay_steps: int = 0
    final: float = 0.0
    late_drops: bool = False

    def __post_init__(self):
        _check(min(self.warm_up_steps, self.decay_steps) >= 0, "a number of steps in the schedule is negative")
        _check(list(self.drops) == sorted(self.drops), "the drops of the schedule are not in order")
        _check(0 < self.gamma <= 1 and 0 <= self.final <= 1, "gamma and final of the schedule are not within 0 .. 1")


@dataclass(frozen=True)
class ValidationOptions:
    """Trials on held-out subjects.

    Attributes:
        every: steps between them; 0 never.
        subjects: how many are tried at most.
        patience: trials without a better result after which the run stops; None never.
    """

    every: int = 0
    subjects: int = 4
    patience: int | None = None

    def __post_init__(self):
        _check(self.every >= 0 and self.subjects >= 1, "the validation options are negative")
        _check(
            self.patience is None or self.patience >= 1,
            "patience is less than 1",
            "Give 1 or more; null: it never stops early.",
        )


@dataclass(frozen=True)
class SavingOptions:
    """Checkpoints: steps between those that replace each other, and between those that are kept (None: none)."""

    every: int = 200
    keep_every: int | None = None

    def __post_init__(self):
        _check(self.every >= 1 and (self.keep_every is None or self.keep_every >= 1), "checkpoints need 1 step or more")


@dataclass(frozen=True)
class StartOptions:
    """What a run begins with.

    Attributes:
        model: name or folder of a model; None begins with random weights.
        part: "all": every tensor that the network has in the same shape, the "backbone" only, or its "deep-levels"
            from a model for voxels twice as large (see `start.grow`).
        freeze_backbone: train the heads only.
        required: whether the recipe makes no sense without a model.
        head_gains: head -> what its first random weights are multiplied by: heads that read vectors of unit length
            and answer in many units begin at the size of their answers.
    """

    model: str | None = None
    part: Literal["all", "backbone", "deep-levels"] = "all"
    freeze_backbone: bool = False
    required: bool = False
    head_gains: dict[str, float] = field(default_factory=dict)

    def check(self) -> None:
        """Raise UsageError if the recipe needs a model and names none."""
        hint = "Name it in the recipe as start.model; the scratch recipes begin with random weights."
        _check(self.model is not None or not self.required, "this recipe begins with the weights of a model", hint)


def _check(right: bool, message: str, hint: str = "") -> None:
    if not right:
        raise UsageError(message, hint)


def _check_names(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"there is no {kind} {name!r} in an objective", nearest_name(name, known))
