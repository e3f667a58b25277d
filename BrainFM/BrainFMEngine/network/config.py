"""What a network is made of, as data: a frozen config that JSON can hold. Torch-free."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from BrainFMEngine.errors import ModelFileError, nearest_name

MAX_LEVELS = 8
MAX_CHANNELS = 1024
GROUPS = 8
"""Groups of every GroupNorm; an input with fewer channels is one group."""
_HEAD_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True)
class NetworkConfig:
    """Architecture of one network (facts of the published systems; BrainFM §3.2, Brain-ID §3.2).

    Attributes:
        heads: output name -> channels, in the order of the outputs.
        in_channels: 1, or 1 + conditions ([image, flipped image, mask] for the inpainting variant).
        f_maps: channels of the first level; level k has f_maps * 2**k.
        num_levels: encoder levels; 6 for the released BrainFM, 5 for Brain-ID and `compact`.
        unit_features: divide the last feature map by its channel norm (on for BrainFM, off for Brain-ID).
        hidden_maps: widths of the 3×3×3 layers between features and heads; none in the published models.
        contrast_heads: heads that also see the input image (features ⊕ image; Brain-ID Eq. 4-5).
        age_size: size of the input that the age head was built for, None without an age head.
        decoder_names: more than one for the two-decoder variant ("normal", "pathol").

    Raises:
        ModelFileError: values that no network of this family can have.
    """

    heads: dict[str, int]
    in_channels: int = 1
    f_maps: int = 64
    num_levels: int = 6
    unit_features: bool = True
    hidden_maps: tuple[int, ...] = ()
    contrast_heads: tuple[str, ...] = ()
    age_size: tuple[int, int, int] | None = None
    decoder_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        complaint = next(_complaints(self), None)
        if complaint:
            raise ModelFileError(f"the architecture is impossible: {complaint}")

    @property
    def size_multiple(self) -> int:
        """Sizes along each axis are padded to a multiple of this, so that pooling divides evenly."""
        return 2 ** (self.num_levels - 1)

    @property
    def task_heads(self) -> tuple[str, ...]:
        """Heads that can be tasks: an "image" that is made from the scan's own contrast is not a T1w."""
        return tuple(name for name in self.heads if name != "image" or name not in self.contrast_heads)

    def to_dict(self) -> dict:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> NetworkConfig:
        """Read plain JSON values; an unknown, missing or impossible value is a ModelFileError."""
        if not isinstance(values, dict):
            raise ModelFileError("the architecture in the model description is not a table")
        names = [field.name for field in fields(cls)]
        for key in values:
            if key not in names:
                raise ModelFileError(f"unknown key {key!r} in the architecture", nearest_name(key, names))
        if "heads" not in values:
            raise ModelFileError("the architecture in the model description has no 'heads'")
        arguments: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return cls(**arguments)


def _complaints(config: NetworkConfig) -> Iterator[str]:
    """Yield a sentence for everything that cannot be."""
    if not isinstance(config.heads, dict) or not all(
        isinstance(name, str) and _HEAD_NAME.fullmatch(name) and _is_count(channels, MAX_CHANNELS)
        for name, channels in config.heads.items()
    ):
        yield "'heads' must map plain names to numbers of channels"
        return
    for name, limit in (("in_channels", GROUPS - 1), ("f_maps", MAX_CHANNELS), ("num_levels", MAX_LEVELS)):
        if not _is_count(getattr(config, name), limit):
            yield f"{name!r} is {getattr(config, name)!r}, not a whole number from 1 to {limit}"
            return
    if config.f_maps != GROUPS and config.f_maps % (2 * GROUPS):
        yield f"{config.f_maps} feature maps cannot be split into groups ({GROUPS}, or a multiple of {2 * GROUPS})"
    if config.num_levels < 2 or not isinstance(config.unit_features, bool):
        yield "'num_levels' must be at least 2 and 'unit_features' true or false"
    yield from _list_complaints(config)


def _list_complaints(config: NetworkConfig) -> Iterator[str]:
    lists = (config.hidden_maps, config.contrast_heads, config.decoder_names)
    if not all(isinstance(values, tuple) for values in lists):
        yield "'hidden_maps', 'contrast_heads' and 'decoder_names' must be lists"
        return
    if not all(_is_count(width, MAX_CHANNELS) for width in config.hidden_maps):
        yield "'hidden_maps' must be numbers of channels"
    if not all(name in config.heads for name in config.contrast_heads):
        yield "'contrast_heads' names a head that 'heads' does not have"
    if config.hidden_maps and config.contrast_heads and set(config.contrast_heads) != set(config.heads):
        yield "heads that share hidden layers either all see the image or none does"
    if not all(isinstance(name, str) and _HEAD_NAME.fullmatch(name) for name in config.decoder_names):
        yield "'decoder_names' must be plain names"
    size = config.age_size
    if size is not None and not (
        isinstance(size, tuple) and len(size) == 3 and all(_is_count(edge, 512) and edge >= 16 for edge in size)
    ):
        yield "'age_size' must be three sizes of at least 16 voxels"


def _is_count(value: object, limit: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= limit
