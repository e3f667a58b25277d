"""The table of ranges in plain words: complete, right about types and limits; and what was drawn, told in its words."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from boxes import box_subject
from BrainFMEngine.generator.generator import generate
from BrainFMEngine.generator.parameters import GeneratorOptions, draw_batch
from BrainFMEngine.generator.picture import summary
from BrainFMEngine.generator.record import from_record, to_record
from BrainFMEngine.generator.severity import LEVELS
from BrainFMEngine.generator.target_table import CLEAN, DEFORMATION_GRID, TARGETS, VISIBLE, target_row
from BrainFMEngine.generator.wording import GROUPS, VALUE_WORDS, drawn_values, wordings

OPTIONS = [row for row in wordings() if row.is_option]
OF_THEIR_OWN = {"shape", "severities", "contrast.kind", "noise_device", "corruption_changes"}
"""Chosen otherwise than as ranges."""
NOT_TOLD = {
    *("subject", "seed", "index", "severity", "shape", "spacing_mm", "noise_device", "format_version"),
    *("deformation.velocity.coarse_mm", "deformation.velocity.integrate", "corruption.bias.coarse_log"),
    *("extracerebral.cluster_rows", "extracerebral.split_rows", "extracerebral.split_field"),
    *("contrast.mean", "contrast.std", "contrast.texture", "contrast.ceiling", "contrast.seed"),
    *("pathology.theta", "pathology.phi", "pathology.velocity", "pathology.place", "pathology.threshold"),
    *("pathology.seed", "corruption.resolution.blur_jitter", "corruption.noise.seed"),
}
"""Arrays, seeds and details of a draw that nobody recognises in a picture; artefacts tell their strength only."""


def severe_options() -> GeneratorOptions:
    return GeneratorOptions(corruption=LEVELS["severe"])


def leaves(value: Any, path: str = "") -> Iterator[str]:
    if not is_dataclass(value):
        yield path
        return
    for field in fields(value):
        yield from leaves(getattr(value, field.name), f"{path}.{field.name}" if path else field.name)


def test_every_option_has_words():
    known = [row.path for row in OPTIONS]
    assert len(known) == len(set(known))
    assert set(known) == set(leaves(severe_options())) - OF_THEIR_OWN
    for row in wordings():
        assert row.group in GROUPS and row.title and row.title[0].isupper(), row.path


def test_everything_drawn_is_told_or_left_out_on_purpose():
    options = replace(
        GeneratorOptions(shape=(16, 16, 16)), pathology=replace(GeneratorOptions().pathology, probability=1.0)
    )
    options = replace(options, contrast=replace(options.contrast, kind="t1"))
    drawn = draw_batch(box_subject(("T1",)), options, 3)[0]
    told = {row.path for row in wordings() if row.is_drawn}
    parts = {path for path in leaves(drawn) if not path.startswith(("contrast.preset", "mixup"))}
    assert parts - told - NOT_TOLD <= {f"corruption.{name}" for name in to_record(LEVELS["mild"])}
    assert not told & NOT_TOLD


@pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.path)
def test_limits_can_be_chosen(row):
    """Both ends of what is offered are possible, as far as nothing else has to change with it."""
    if row.low is None:
        return
    for end in (row.low, row.high):
        record = to_record(severe_options())
        *parents, last = row.path.split(".")
        table = record
        for name in parents:
            table = table[name]
        for other in table:
            if other.endswith("_probability") and row.unit == "probability":
                table[other] = 0.0
        if row.path.startswith("extracerebral.") and row.unit == "probability":
            table["keep_probability"] = 1.0
            if last in ("thin_probability", "remove_probability"):
                table["keep_probability"] = 1.0 - end
            if last == "keep_probability":
                table["remove_probability"] = 1.0 - end
        before = table[last]
        kind = int if isinstance((before if not isinstance(before, list) else before[0]), int) else float
        table[last] = [kind(end)] * len(before) if isinstance(before, list) else kind(end)
        made = from_record(GeneratorOptions, record)
        draw_batch(box_subject(), replace(made, shape=(16, 16, 16), severities=(0.5,)), 1)


def test_drawn_values_are_plain_and_leave_out_what_does_not_show():
    options = GeneratorOptions(shape=(16, 16, 16), severities=(1.0,) * 12)
    options = replace(options, contrast=replace(options.contrast, kind="ct"))
    for parameters in draw_batch(box_subject(), options, 5):
        values = {value["path"]: value for value in drawn_values(parameters)}
        assert "corruption.bias.std" not in values and "corruption.ghosting.strength" not in values
        assert "contrast.preset.repetition_ms" not in values
        assert ("extracerebral.shell_mm" in values) == (parameters.extracerebral.mode == "thin")
        assert all(isinstance(value["value"], (bool, int, float, str, list)) for value in values.values())
        assert values["corruption.noise.std"]["text"].endswith("0–255")


def test_numbers_are_told_without_exponents():
    options = GeneratorOptions(shape=(16, 16, 16), severities=(0.5,))
    options = replace(options, contrast=replace(options.contrast, kind="t2"))
    (parameters,) = draw_batch(box_subject(), options, 2)
    texts = {value["path"]: value["text"] for value in drawn_values(parameters)}
    repetition = texts["contrast.preset.repetition_ms"]
    assert repetition.endswith(" ms") and float(repetition.removesuffix(" ms")) >= 1000 and "e" not in repetition


def test_a_blend_is_told_in_shares():
    options = GeneratorOptions(shape=(16, 16, 16), severities=(0.5,))
    options = replace(options, mixup=replace(options.mixup, probability=1.0))
    options = replace(options, contrast=replace(options.contrast, kind="t2"))
    values = {value["path"]: value for value in drawn_values(draw_batch(box_subject(("T1",)), options, 2)[0])}
    assert "T1" in values["mixup.weights"]["text"] and "%" in values["mixup.weights"]["text"]
    assert values["contrast.preset.repetition_ms"]["unit"] == "ms"
    assert np.isclose(sum(values["mixup.weights"]["value"].values()), 1, atol=1e-4)


def test_drawn_values_are_told_in_words():
    """In the short text below a sample and in the table; whatever can be drawn has its words."""
    options = GeneratorOptions(shape=(16, 16, 16), severities=tuple(index / 63 for index in range(64)))
    codes = ("keep", "full", "anisotropic", "low_field", "near_isotropic", "random", "mprage", "zero")
    for parameters in draw_batch(box_subject(), options, 3):
        texts = {value["path"]: value["text"] for value in drawn_values(parameters)}
        kind, resolution, _brightness, head, *_more = summary(parameters)
        assert texts["contrast.kind"] == kind and resolution.startswith(texts["corruption.resolution.kind"])
        assert head.removesuffix(", mirrored") == texts["extracerebral.mode"]
        assert not {kind, head, *(texts[path] for path in VALUE_WORDS)}.intersection(codes)


def test_every_target_has_a_row():
    options = GeneratorOptions(shape=(16, 16, 16), severities=(1.0,))
    options = replace(options, pathology=replace(options.pathology, probability=1.0))
    made = set(generate(box_subject(("T1", "T2", "FLAIR", "CT")), options, 1)[0].targets)
    assert made | {CLEAN, DEFORMATION_GRID, VISIBLE} == {row.name for row in TARGETS}
    assert target_row("nothing") is None
    assert typing.get_type_hints(type(TARGETS[0]))
