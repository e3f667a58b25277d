"""Single ranges that somebody set hold at every severity; the others go on following it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from boxes import box_subject
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.corruption_changes import with_changes
from BrainFMEngine.generator.generator import generate
from BrainFMEngine.generator.parameters import GeneratorOptions, draw_batch
from BrainFMEngine.generator.record import from_record, to_record
from BrainFMEngine.generator.severity import LEVELS, ranges_at

SMALL = GeneratorOptions(shape=(16, 16, 16))


def test_what_is_set_holds_and_the_rest_follows():
    options = replace(SMALL, corruption_changes={"noise": {"std": [40, 40]}})
    for name, level in LEVELS.items():
        ranges = options.corruption_at(name)
        assert ranges.noise.std == (40, 40)
        assert replace(ranges, noise=level.noise) == level
    drawn = draw_batch(box_subject(), options, 1)
    assert {sample.corruption.noise.std for sample in drawn} == {40}
    assert len({sample.corruption.bias.std for sample in drawn}) == len(drawn)


def test_nothing_set_changes_no_bit():
    assert with_changes(ranges_at(0.4), {}) is not None
    plain, same = (generate(box_subject(), options, 3) for options in (SMALL, replace(SMALL, corruption_changes={})))
    assert all(torch.equal(a.image, b.image) for a, b in zip(plain, same, strict=True))


def test_fixed_ranges_are_changed_too():
    options = replace(SMALL, corruption=LEVELS["severe"], corruption_changes={"gamma": {"std": 0.0}})
    assert options.corruption_at(0.0) == replace(LEVELS["severe"], gamma=replace(LEVELS["severe"].gamma, std=0.0))


def test_options_with_changes_are_plain_json():
    options = replace(SMALL, corruption_changes={"noise": {"std": [1, 2]}, "defacing": {"probability": 1.0}})
    assert from_record(GeneratorOptions, json.loads(json.dumps(to_record(options)))) == options


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"nois": {"std": [1, 2]}}, "'noise'"),
        ({"noise": {"sdt": [1, 2]}}, "'std'"),
        ({"noise": 3}, "not a table"),
        ({"noise": {"std": [2, 1]}}, "lower first"),
        ({"resolution": {"low_field_probability": 0.9}}, "more probable than 1"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_written_down(changes, says):
    with pytest.raises(UsageError) as error:
        replace(SMALL, corruption_changes=changes)
    assert says in str(error.value)
