"""Label protocols: complete, consistent, and mirrored correctly."""

from __future__ import annotations

import json

import pytest
from BrainFMEngine.anatomy.protocols import (
    BRAINFM_56,
    BRAINFM_LEFT_18,
    BRAINID_33,
    COMPACT_40,
    PROTOCOLS,
    find_protocol,
)
from BrainFMEngine.anatomy.structures import structures
from BrainFMEngine.errors import ModelFileError


def test_opposites_are_mutual_and_sides_differ():
    table = structures()
    for structure in table.values():
        opposite = table[structure.opposite]
        assert opposite.opposite == structure.id
        assert {structure.side, opposite.side} in ({"none"}, {"left", "right"})


def test_every_protocol_starts_with_background_and_has_no_repeats():
    for protocol in PROTOCOLS.values():
        assert protocol.ids[0] == 0
        assert len(set(protocol.ids)) == len(protocol.ids)


@pytest.mark.parametrize("protocol", [BRAINFM_56, BRAINID_33, COMPACT_40], ids=lambda p: p.name)
def test_flipping_twice_changes_nothing(protocol):
    flip = protocol.flip
    assert [flip[channel] for channel in flip] == list(range(len(flip)))
    assert protocol.ids[flip[protocol.ids.index(17)]] == 53


def test_a_one_sided_protocol_cannot_be_flipped():
    assert BRAINFM_LEFT_18.flip is None


def test_unknown_protocol_is_named():
    with pytest.raises(ModelFileError, match="nonsense"):
        find_protocol("nonsense")


@pytest.mark.parametrize(
    ("protocol", "file"),
    [(BRAINFM_56, "brainfm_56"), (BRAINID_33, "brainid_33"), (BRAINFM_LEFT_18, "brainfm_left_hemisphere_18")],
)
def test_ids_agree_with_the_published_protocol(golden_dir, protocol, file):
    classes = json.loads((golden_dir / "labels" / f"{file}.json").read_text(encoding="utf-8"))["classes"]
    assert [c["freesurfer_id"] for c in classes] == list(protocol.ids)
    if protocol.flip is not None:
        assert [c["flip_to_channel"] for c in classes] == list(protocol.flip)
