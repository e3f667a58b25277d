"""Rules for module code. Each problem says what is wrong and in which version."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from linting import facts
from linting.expressions import UNKNOWN, Scope, annotated, classes_of, elements_of, is_ui, qt_class_named

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Problem:
    """One finding."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def check_source(source: str, path: Path | str, widgets: dict[str, str]) -> list[Problem]:
    """Problems of one file; `widgets` are the names and classes of the module's .ui files."""
    checker = Checker(str(path), Scope(widgets))
    checker.check(ast.parse(source))
    return sorted(set(checker.problems))


class Checker(ast.NodeVisitor):
    """Walks a file, knowing the classes of names and attributes."""

    def __init__(self, path: str, scope: Scope):
        self.path, self.scope = path, scope
        self.problems: list[Problem] = []
        self.guarded = 0
        self.called: set[int] = set()

    def check(self, tree: ast.AST) -> None:
        self.called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        self.visit(tree)

    def report(self, node: ast.AST, text: str) -> None:
        self.problems.append(Problem(self.path, node.lineno, text))

    # scopes

    def visit_ClassDef(self, node):
        attributes = dict(self.scope.attributes)
        for function in (child for child in ast.walk(node) if isinstance(child, FUNCTIONS)):
            scope = self._function_scope(function, attributes)
            for target, value in _assignments(function):
                if (
                    isinstance(target, ast.Attribute)
                    and isinstance(target.value, ast.Name)
                    and target.value.id == "self"
                ):
                    attributes[target.attr] = attributes.get(target.attr, UNKNOWN) | classes_of(value, scope)
        self._within(Scope(self.scope.widgets, attributes=attributes, outer=self.scope), node)

    def visit_FunctionDef(self, node):
        self._within(self._function_scope(node, self.scope.attributes), node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        names = {argument.arg: UNKNOWN for argument in node.args.args}
        self._within(Scope(self.scope.widgets, names, self.scope.attributes, self.scope), node)

    def visit_Try(self, node):
        """What a version lacks may be tried."""
        self.guarded += bool(node.handlers)
        for child in node.body:
            self.visit(child)
        self.guarded -= bool(node.handlers)
        for child in [*node.handlers, *node.orelse, *node.finalbody]:
            self.visit(child)

    def _within(self, scope, node):
        before, self.scope = self.scope, scope
        self.generic_visit(node)
        self.scope = before

    def _function_scope(self, function, attributes) -> Scope:
        scope = Scope(self.scope.widgets, {}, attributes, self.scope)
        for argument in [*function.args.args, *function.args.kwonlyargs]:
            scope.names[argument.arg] = annotated(argument.annotation)
        for target, value in _assignments(function):
            if isinstance(target, ast.Name):
                found = classes_of(value, scope)
                known = scope.names.get(target.id, found)
                scope.names[target.id] = known | found if known and found else UNKNOWN
        for loop in (child for child in ast.walk(function) if isinstance(child, ast.For | ast.comprehension)):
            if isinstance(loop.target, ast.Name):
                scope.names[loop.target.id] = elements_of(loop.iter, scope)
        return scope

    # rules

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if is_ui(node.value) and self.scope.widgets and node.attr not in self.scope.widgets:
            self.report(node, f"no widget named {node.attr} in the .ui files")
            return
        named = qt_class_named(node)
        if named:
            self._check_class(node, named)
            return
        scoped = qt_class_named(node.value.value) if isinstance(node.value, ast.Attribute) else ""
        if scoped and facts.is_known(scoped) and node.value.attr[:1].isupper():
            self._check_static(node, scoped)  # Class.Enumeration.Value
            return
        static = qt_class_named(node.value)
        if static and facts.is_known(static):
            self._check_static(node, static)
        for class_name in sorted(classes_of(node.value, self.scope)):
            self._check_member(node, class_name)
        self._check_python(node)

    def visit_Call(self, node):
        self.generic_visit(node)
        function = node.func
        if not isinstance(function, ast.Attribute):
            return
        owners = classes_of(function.value, self.scope)
        if function.attr in ("connect", "disconnect") and node.args and isinstance(node.args[0], ast.Constant):
            for class_name in sorted(owners):
                self._check_signature(node, class_name, node.args[0].value)
        if node.keywords and (owners or qt_class_named(function)):
            self.report(node, f"PythonQt takes no keyword arguments ({ast.unparse(function)})")

    def visit_Compare(self, node):
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        numbers = [side for side in sides if isinstance(side, ast.Constant) and type(side.value) is int]
        enums = [side for side in sides if isinstance(side, ast.Attribute) and _is_enum_value(side)]
        if numbers and enums:
            self.report(node, f"{ast.unparse(enums[0])} compared with a number: Qt 6 and Qt 5 may differ")

    def visit_ImportFrom(self, node):
        parts = (node.module or "").split(".")
        if parts[0] == "slicer" and len(parts) == 2 and not self.guarded:
            for alias in node.names:
                self._check_slicer_name(node, parts[1], alias.name)

    def visit_Import(self, node):
        for alias in node.names:
            parts = alias.name.split(".")
            if parts[0] == "slicer" and len(parts) == 2 and not self.guarded:
                self._check_slicer_name(node, parts[1], "")

    def _check_class(self, node, name):
        missing = facts.class_missing(name)
        if missing:
            self.report(node, f"class {name} does not exist in {', '.join(missing)}")

    def _check_static(self, node, class_name):
        found = facts.member(class_name, node.attr)
        if found is None and not (class_name == "Qt" and node.attr.startswith("Key_")):
            self.report(node, f"{class_name} has no {node.attr}")
        elif found is not None and found.missing:
            self.report(node, f"{class_name}.{node.attr} does not exist in {', '.join(found.missing)}")

    def _check_member(self, node, class_name):
        found = facts.member(class_name, node.attr)
        if found is None:
            self.report(node, f"{class_name} has no attribute {node.attr}")
        elif found.missing:
            self.report(node, f"{class_name}.{node.attr} does not exist in {', '.join(found.missing)}")
        elif isinstance(node.ctx, ast.Store) and found.kind != "property":
            self.report(node, f"{class_name}.{node.attr} is not a property, it can not be set")
        elif isinstance(node.ctx, ast.Store) and not found.writable:
            self.report(node, f"{class_name}.{node.attr} is read only")
        elif found.kind == "property" and id(node) in self.called:
            self.report(node, f"{class_name}.{node.attr} is a property, calling it fails in PythonQt")

    def _check_signature(self, node, class_name, signature):
        missing = facts.signal_missing(class_name, str(signature).replace(" ", ""))
        if missing:
            self.report(node, f"{class_name} has no signal {signature} in {', '.join(missing)}")

    def _check_python(self, node):
        since = facts.new_method_since(node.attr) if id(node) in self.called else ""
        if since and not self.guarded:
            self.report(node, f"{node.attr} is new in Slicer {since}")
        owner = node.value
        if isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id == "slicer":
            if not self.guarded and owner.attr in facts.python_table()["modules"]["main"]:
                self._check_slicer_name(node, owner.attr, node.attr)

    def _check_slicer_name(self, node, module, name):
        lacking = []
        for version in facts.slicer_versions():
            names = facts.module_names(module, version)
            if module in facts.python_table()["modules"][version] and (not names or (name and name not in names)):
                lacking.append(version)
        if lacking and name != "*":
            self.report(
                node, f"slicer.{module}{'.' if name else ''}{name} does not exist in Slicer {', '.join(lacking)}"
            )


def _assignments(function):
    """(target, value) of every plain assignment of the function, in order."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield target, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield node.target, node.value
        elif isinstance(node, ast.NamedExpr):
            yield node.target, node.value


def _is_enum_value(node: ast.Attribute) -> bool:
    return bool(qt_class_named(node.value)) or (isinstance(node.value, ast.Attribute) and node.value.attr == "Qt")
