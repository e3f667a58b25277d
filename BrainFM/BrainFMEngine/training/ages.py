"""Ages of subjects: a text file of one name and one number a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from BrainFMEngine.errors import FileAccessError, UsageError
from BrainFMEngine.generator.generator import Sample

MAX_AGE_YEARS = 130.0
_SEPARATOR = re.compile(r"[\s,;]+")


def read_ages(path: Path | str) -> dict[str, float]:
    """Read "name age" lines, in years; separated by blanks, tabs or commas; a first line of titles is skipped.

    Raises:
        FileAccessError: the file cannot be read.
        UsageError: a line that is no name and age, or a name that comes twice.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}", "Check data.ages.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is no text in UTF-8") from error
    ages: dict[str, float] = {}
    for number, line in enumerate(lines, 1):
        words = [word for word in _SEPARATOR.split(line) if word]
        age = _age(words)
        if not words or (age is None and number == 1):
            continue
        if age is None or words[0] in ages:
            raise UsageError(f"line {number} of {path.name} is no new name and age: {line!r:.60}")
        ages[words[0]] = age
    return ages


def with_age(sample: Sample, ages: Mapping[str, float]) -> Sample:
    """Return the sample with the target "age", a scalar; as it is if the subject's age is not known."""
    age = ages.get(sample.parameters.subject)
    if age is None:
        return sample
    return replace(sample, targets={**sample.targets, "age": torch.tensor(age, device=sample.image.device)})


def _age(words: list[str]) -> float | None:
    try:
        age = float(words[1])
    except (IndexError, ValueError):
        return None
    return age if 0 <= age <= MAX_AGE_YEARS else None
