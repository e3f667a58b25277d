"""What a network is made of, as data: a frozen config that JSON can hold."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from BrainFMEngine.errors import ModelFileError


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
        age_size: edge of the cubic input that the age head was built for, None without an age head.
        decoder_names: more than one for the two-decoder variant ("normal", "pathol").
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

    @property
    def size_multiple(self) -> int:
        """Sizes along each axis are padded to a multiple of this, so that pooling divides evenly."""
        return 2 ** (self.num_levels - 1)

    def to_dict(self) -> dict:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> NetworkConfig:
        """Read plain JSON values; an unknown or missing key is a ModelFileError."""
        values = dict(values)
        for key in ("hidden_maps", "contrast_heads", "age_size", "decoder_names"):
            if isinstance(values.get(key), list):
                values[key] = tuple(values[key])
        try:
            return cls(**values)
        except TypeError as error:
            raise ModelFileError(f"the architecture in the model description is not understood: {error}") from error
