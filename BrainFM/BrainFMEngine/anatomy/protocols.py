"""Label protocols: which structure each channel of a segmentation head stands for."""

from __future__ import annotations

from dataclasses import dataclass

from BrainFMEngine.anatomy.structures import Structure, structures
from BrainFMEngine.errors import ModelFileError

_LEFT_CEREBRUM = (2, 3, 4, 7, 8, 10, 11, 12, 13, 17, 18, 26, 28)
_RIGHT_CEREBRUM = (41, 42, 43, 46, 47, 49, 50, 51, 52, 53, 54, 58, 60)


@dataclass(frozen=True)
class LabelProtocol:
    """The FreeSurfer id of every channel, in channel order; channel 0 is background."""

    name: str
    ids: tuple[int, ...]

    @property
    def structures(self) -> tuple[Structure, ...]:
        """The structure of every channel."""
        table = structures()
        return tuple(table[label] for label in self.ids)

    @property
    def flip(self) -> tuple[int, ...] | None:
        """Channel of the structure across the midline: `mirrored = probabilities[flip]`; None if one-sided."""
        opposites = [structure.opposite for structure in self.structures]
        if any(label not in self.ids for label in opposites):
            return None
        return tuple(self.ids.index(label) for label in opposites)


BRAINFM_56 = LabelProtocol(
    "brainfm-56",
    (0, 14, 15, 16, 24, 77, 85, 99, 901, 902, 906, 907, 908, 909, 911, 912, 914, 915, 916, 930)
    + (2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 17, 18, 26, 819, 821, 843, 865, 869)
    + (41, 42, 43, 44, 46, 47, 49, 50, 51, 52, 53, 54, 58, 820, 822, 844, 866, 870),
)
BRAINFM_LEFT_18 = LabelProtocol(
    "brainfm-left-18", (0, 2, 3, 4, 5, 10, 11, 12, 13, 17, 18, 26, 77, 819, 821, 843, 865, 869)
)
BRAINID_33 = LabelProtocol("brain-id-33", (0, 14, 15, 16, 24, 77, 85, *_LEFT_CEREBRUM, *_RIGHT_CEREBRUM))
COMPACT_40 = LabelProtocol(
    "compact-40",
    (0, 14, 15, 16, 24, 77, 85, 906, 907, 911, 912, 915, 5, 44, *_LEFT_CEREBRUM, *_RIGHT_CEREBRUM),
)

PROTOCOLS = {protocol.name: protocol for protocol in (BRAINFM_56, BRAINFM_LEFT_18, BRAINID_33, COMPACT_40)}


def find_protocol(name: str) -> LabelProtocol:
    """Return the protocol of that name; ModelFileError if there is none."""
    if name not in PROTOCOLS:
        raise ModelFileError(f"unknown label protocol {name!r}", f"Known: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]


def protocol_for_channels(channels: int) -> LabelProtocol:
    """Recognise a published protocol by its number of channels; ModelFileError if none fits."""
    by_count = {56: BRAINFM_56, 33: BRAINID_33, 18: BRAINFM_LEFT_18}
    if channels not in by_count:
        raise ModelFileError(f"no published label protocol has {channels} classes", "Give the protocol in model.json.")
    return by_count[channels]
