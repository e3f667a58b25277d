"""What can stand in `Annotated[type, ...]`: defaults, checks and hints for the widgets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class FloatRange:
    """Two numbers in order."""

    minimum: float
    maximum: float

    def __post_init__(self):
        if self.minimum > self.maximum:
            raise ValueError("minimum is above maximum")


class Default:
    """The value of a parameter that was never set."""

    def __init__(self, value=None, *, generator=None):
        self._value, self._generator = value, generator

    @property
    def value(self):
        return self._generator() if self._generator is not None else self._value


class Validator:
    """A check: raises ValueError (or TypeError) for a value that does not fit."""

    def validate(self, value) -> None:
        raise NotImplementedError


class NotNone(Validator):
    def validate(self, value):
        if value is None:
            raise ValueError("Value must not be None")


class IsInstance(Validator):
    def __init__(self, classtype):
        self.classtype = classtype

    def validate(self, value):
        if value is not None and not isinstance(value, self.classtype):
            raise TypeError(f"Value must be of type {self.classtype}, is {type(value)}")


class Choice(Validator):
    def __init__(self, choices):
        self.choices = list(choices)

    def validate(self, value):
        if value not in self.choices:
            raise ValueError(f"Value {value!r} must be one of {self.choices}")


class Exclude(Validator):
    def __init__(self, excludedValues):
        self.excluded = list(excludedValues)

    def validate(self, value):
        if value in self.excluded:
            raise ValueError(f"Value must not be {value!r}")


class WithinRange(Validator):
    def __init__(self, minimum, maximum):
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value):
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value {value!r} must be within [{self.minimum}, {self.maximum}]")


class Minimum(Validator):
    def __init__(self, minimum):
        self.minimum = minimum

    def validate(self, value):
        if value < self.minimum:
            raise ValueError(f"Value {value!r} must be at least {self.minimum}")


class Maximum(Validator):
    def __init__(self, maximum):
        self.maximum = maximum

    def validate(self, value):
        if value > self.maximum:
            raise ValueError(f"Value {value!r} must be at most {self.maximum}")


class RangeBounds(Validator):
    def __init__(self, minimum, maximum):
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value):
        if not self.minimum <= value.minimum <= value.maximum <= self.maximum:
            raise ValueError(f"Range {value!r} must be within [{self.minimum}, {self.maximum}]")


@dataclass
class Decimals:
    """Decimals that the widget shows."""

    value: int


@dataclass
class SingleStep:
    """Step of the widget."""

    value: float


@dataclass
class Label:
    """Text beside the widget in a generated panel."""

    label: str
