"""Which network is this? From tensor names, shapes and stored arguments; refuses rather than guesses.

Facts of the published code: the number of encoders gives the levels, the first level's width gives f_maps, an output
layer that is wider than the features also sees the image. Unit features leave no trace in the tensors: they are in the
stored arguments; else BrainFM's heads mean on and Brain-ID's mean off.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import Tensor

from BrainFMEngine.errors import ModelFileError
from BrainFMEngine.models.authors import AuthorsFile
from BrainFMEngine.models.torch_zip import refusal
from BrainFMEngine.network.config import NetworkConfig

_BRAINFM_HEADS = frozenset(
    ["T1", "T2", "FLAIR", "CT", "segmentation", "distance", "registration", "high_res_residual", "pathology", "surface"]
)
_BRAINID_HEADS = frozenset(["image", "seg"])
_CHANNELS = {
    **dict.fromkeys(("T1", "T2", "FLAIR", "CT", "image", "bias_field_log", "high_res_residual", "pathology"), (1,)),
    "distance": (4, 2),
    "registration": (3,),
}
_FIXED_ARGUMENTS = {"backbone": "unet3d", "layer_order": "gcl", "num_groups": 8}
"""Options of BrainFM's builder that change the network without a trace in names or shapes."""


def recognise(state: dict[str, Tensor], source: AuthorsFile) -> NetworkConfig:
    """Return the architecture that these tensors belong to.

    Args:
        state: tensors under full names (`backbone.*`, `head.*`).
        source: the file of the backbone, for its stored arguments.

    Raises:
        ModelFileError: not a network of this family, or its arguments contradict its tensors.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    try:
        f_maps, levels = _size(shapes)
        in_channels = _edge(shapes, "backbone.encoders.0.basic_module.SingleConv1.groupnorm.weight", 0) or 1
        hidden = _hidden_maps(shapes)
        heads = _heads(shapes)
        config = NetworkConfig(
            heads=heads,
            in_channels=in_channels,
            f_maps=f_maps,
            num_levels=levels,
            unit_features=_unit_features(heads, _has_age(shapes), source),
            hidden_maps=hidden,
            contrast_heads=_contrast_heads(shapes, heads, f_maps, in_channels, hidden),
            age_size=_age_size(shapes, source.arguments),
            decoder_names=tuple(_unique(shapes, r"backbone\.decoders_(\w+)\.")),
        )
        _check_arguments(config, source)
    except ModelFileError as error:
        raise refusal(source.path, error.message, error.hint) from error
    return config


def _unique(names: Iterable[str], pattern: str) -> list[str]:
    """Return what the pattern's group matches, each once, in order."""
    matches = (re.match(pattern, name) for name in names)
    return list(dict.fromkeys(match[1] for match in matches if match))


def _edge(shapes: dict[str, tuple[int, ...]], name: str, axis: int) -> int | None:
    """Return one size of a tensor, None where there is no such tensor or axis."""
    return next(iter(shapes.get(name, ())[axis : axis + 1]), None)


def _size(shapes: dict[str, tuple[int, ...]]) -> tuple[int, int]:
    encoders = [int(k) for k in _unique(shapes, r"backbone\.encoders\.(\d{1,2})\.")]
    decoders = [int(k) for k in _unique(shapes, r"backbone\.decoders\w*\.(\d{1,2})\.")]
    first = shapes.get("backbone.encoders.0.basic_module.SingleConv2.conv.weight", ())
    if not encoders or not decoders or len(first) != 5:
        raise ModelFileError("its tensors are not those of a BrainFM or Brain-ID network")
    return first[0], max(max(encoders) + 1, max(decoders) + 2)


def _heads(shapes: dict[str, tuple[int, ...]]) -> dict[str, int]:
    """Return output name -> channels; a weight or bias alone is enough to expect both."""
    heads = {}
    for name in _unique(shapes, r"head\.final_conv_(\w+)\."):
        weight, bias = (_edge(shapes, f"head.final_conv_{name}.{part}", 0) for part in ("weight", "bias"))
        heads[name] = weight or bias or 1
        if name in _CHANNELS and heads[name] not in _CHANNELS[name]:
            raise ModelFileError(f"its output {name!r} has {heads[name]} channels, which no published model has")
    return heads


def _hidden_maps(shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    layers = sorted(int(k) for k in _unique(shapes, r"head\.layers\.(\d{1,2})\."))
    return tuple(_edge(shapes, f"head.layers.{k}.main.weight", 0) or 1 for k in range(len(layers)))


def _contrast_heads(
    shapes: dict[str, tuple[int, ...]], heads: dict[str, int], f_maps: int, in_channels: int, hidden: tuple[int, ...]
) -> tuple[str, ...]:
    wide = f_maps + in_channels
    if hidden:
        return tuple(heads) if _edge(shapes, "head.layers.0.main.weight", 1) == wide else ()
    return tuple(name for name in heads if _edge(shapes, f"head.final_conv_{name}.weight", 1) == wide)


def _has_age(shapes: Iterable[str]) -> bool:
    return any(re.match(r"head\.(pool_layers|final_linear)", name) for name in shapes)


def _age_size(shapes: dict[str, tuple[int, ...]], arguments: dict[str, Any]) -> tuple[int, int, int] | None:
    if not _has_age(shapes):
        return None
    flat = _edge(shapes, "head.final_linear1_age.weight", 1) or 0
    edge = 16 * round((flat / 4) ** (1 / 3))
    stored = arguments.get("size")
    candidates = [tuple(stored)] if isinstance(stored, (list, tuple)) and len(stored) == 3 else []
    for size in [*candidates, (edge, edge, edge)]:
        if flat and all(isinstance(n, int) for n in size) and 4 * math.prod(n // 16 for n in size) == flat:
            return size
    raise ModelFileError("the input size of its age head cannot be told")


def _unit_features(heads: Iterable[str], has_age: bool, source: AuthorsFile) -> bool:
    stored = source.arguments.get("unit_feat")
    if isinstance(stored, bool) and source.system == "BrainFM":
        return stored
    if source.system == "Brain-ID":
        return False
    names = set(heads)
    brainfm, brainid = bool(names & _BRAINFM_HEADS) or has_age, bool(names & _BRAINID_HEADS)
    if brainfm == brainid and source.system is None:
        raise ModelFileError("neither its arguments nor its outputs tell whether its features are normalised")
    return brainfm or source.system == "BrainFM"


def _check_arguments(config: NetworkConfig, source: AuthorsFile) -> None:
    """Refuse a BrainFM file whose stored arguments describe another network than its tensors."""
    if source.system != "BrainFM":
        return
    expected = {**_FIXED_ARGUMENTS, "f_maps": config.f_maps, "num_levels": config.num_levels}
    for key, value in expected.items():
        if source.arguments.get(key, value) != value:
            raise ModelFileError(f"its arguments say {key} = {source.arguments[key]!r}, its tensors {value!r}")
    stored = source.arguments.get("out_channels")
    for name, channels in config.heads.items():
        if isinstance(stored, dict) and stored.get(name, channels) != channels:
            raise ModelFileError(f"its arguments say {stored[name]!r} channels for {name}, its tensors {channels}")


def absent_heads(config: NetworkConfig, source: AuthorsFile) -> list[str]:
    """Name outputs that the stored arguments declare but the file has no weights for; they are not offered."""
    stored = source.arguments.get("out_channels")
    has = {*config.heads, *(["age"] if config.age_size else [])}
    return [str(name) for name in stored if name not in has] if isinstance(stored, dict) else []


def file_kind(state: Iterable[str], path: Path) -> str:
    """Tell "whole", "features" (backbone only) or "head" (unprefixed names of a separate head file)."""
    tops = {name.split(".")[0] for name in state}
    if tops == {"backbone", "head"}:
        return "whole"
    if tops == {"backbone"}:
        return "features"
    if all(re.match(r"final_conv_|layers$|pool_layers$|final_linear", top) for top in tops):
        return "head"
    strange = sorted(tops - {"backbone", "head"}) or sorted(tops)
    raise refusal(path, f"its tensors belong to another network (names begin with {', '.join(strange[:3])})")
