"""How a value of each type is kept on the node, and what it is when it was never set."""

from __future__ import annotations

import enum
import json
import pathlib
import types
import typing

import slicer

from .annotations import Choice, Default, FloatRange, Validator

ZERO = {bool: False, int: 0, float: 0.0, str: ""}


class Parameter:
    """One parameter: `kind` is the bare type, `extras` what else was in Annotated."""

    def __init__(self, name: str, declared, default):
        self.name, self.declared = name, declared
        annotated = typing.get_origin(declared) is typing.Annotated
        bare, *self.extras = typing.get_args(declared) if annotated else (declared,)
        union = typing.get_origin(bare) in (typing.Union, types.UnionType)
        options = typing.get_args(bare) if union else (bare,)
        self.optional = type(None) in options
        self.kinds = [kind for kind in options if kind is not type(None)]
        self.kind = self.kinds[0]
        self.is_node = all(isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode) for kind in self.kinds)
        self.is_list = typing.get_origin(self.kind) is list
        self._check_type()
        defaults = [extra for extra in self.extras if isinstance(extra, Default)]
        self._default = Default(default) if default is not None else defaults[0] if defaults else None

    @property
    def default(self):
        if self._default is not None:
            return self._default.value
        if self.optional or self.is_node:
            return None
        choices = [extra.choices for extra in self.extras if isinstance(extra, Choice)]
        if choices:
            return choices[0][0]
        if self.is_list:
            return []
        if self.kind is pathlib.Path:
            return pathlib.Path()
        if self.kind is FloatRange:
            return FloatRange(0.0, 1.0)
        return next(iter(self.kind)) if issubclass(self.kind, enum.Enum) else ZERO[self.kind]

    def is_set(self, node) -> bool:
        key = node.GetParameter(self.name)
        return node.GetNodeReferenceID(self.name) is not None if self.is_node else bool(key)

    def read(self, node):
        if self.is_node:
            return node.GetNodeReference(self.name)
        return self._decoded(json.loads(node.GetParameter(self.name)))

    def write(self, node, value) -> None:
        self.validate(value)
        if self.is_node:
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        else:
            node.SetParameter(self.name, json.dumps(self._encoded(value)))

    def validate(self, value) -> None:
        if self.is_node:
            if value is not None and not isinstance(value, tuple(self.kinds)):
                raise TypeError(f"{self.name} must be a {self.kinds[0].__name__}, not {type(value).__name__}")
        elif not (value is None and self.optional) and not self._fits(value):
            raise TypeError(f"{self.name} must be a {self.kind}, not {value!r}")
        for extra in self.extras:
            if isinstance(extra, Validator):
                extra.validate(value)

    def _fits(self, value) -> bool:
        if self.is_list:
            return isinstance(value, list | tuple)
        if self.kind is pathlib.Path:
            return isinstance(value, str | pathlib.Path)
        if self.kind is float:
            return isinstance(value, int | float)
        return isinstance(value, self.kind)

    def _encoded(self, value):
        if isinstance(value, pathlib.Path):
            return str(value)
        if isinstance(value, enum.Enum):
            return value.name
        return [value.minimum, value.maximum] if isinstance(value, FloatRange) else value

    def _decoded(self, value):
        if value is None or self.is_list:
            return value
        if self.kind is FloatRange:
            return FloatRange(*value)
        return self.kind[value] if issubclass(self.kind, enum.Enum) else self.kind(value)

    def _check_type(self) -> None:
        known = self.is_list or self.is_node or self.kind in (*ZERO, pathlib.Path, FloatRange)
        if not known and not (isinstance(self.kind, type) and issubclass(self.kind, enum.Enum)):
            raise TypeError(f"the stand-in of parameterNodeWrapper does not know the type of {self.name}: {self.kind}")
