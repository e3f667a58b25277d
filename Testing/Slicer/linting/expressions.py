"""Which Qt class an expression of module code is, as far as it can be told without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from linting import facts

# What Qt's own methods return; the facts of Qt hold no types.
RETURNS = {
    "clipboard": "QClipboard",
    "horizontalHeader": "QHeaderView",
    "verticalHeader": "QHeaderView",
    "horizontalHeaderItem": "QTableWidgetItem",
    "item": "QTableWidgetItem",
    "currentItem": "QTableWidgetItem",
    "selectionModel": "QItemSelectionModel",
    "style": "QStyle",
    "layout": "QLayout",
    "lineEdit": "QLineEdit",
    "systemEnvironment": "QProcessEnvironment",
    "processEnvironment": "QProcessEnvironment",
    "fromLocalFile": "QUrl",
    "statusBar": "QStatusBar",
    "viewport": "QWidget",
    "verticalScrollBar": "QScrollBar",
    "horizontalScrollBar": "QScrollBar",
}
ITEM_CLASSES = {"QTableWidget": "QTableWidgetItem", "QListWidget": "QListWidgetItem", "QTreeWidget": "QTreeWidgetItem"}
UTIL_RETURNS = {"mainWindow": "qSlicerMainWindow"}
MODULES = {"qt": "Q", "ctk": "ctk", "slicer": "q"}
Classes = frozenset
UNKNOWN: Classes = frozenset()


@dataclass
class Scope:
    """Names of one function, and around it; `attributes` are those of `self`."""

    widgets: dict[str, str]
    names: dict[str, Classes] = field(default_factory=dict)
    attributes: dict[str, Classes] = field(default_factory=dict)
    outer: Scope | None = None

    def named(self, name: str) -> Classes:
        if name in self.names:
            return self.names[name]
        return self.outer.named(name) if self.outer is not None else UNKNOWN


def classes_of(node: ast.expr, scope: Scope) -> Classes:
    """The classes that the expression can be; empty when it is not known."""
    if isinstance(node, ast.Name):
        return scope.named(node.id)
    if isinstance(node, ast.Attribute):
        return _of_attribute(node, scope)
    if isinstance(node, ast.Call):
        return _of_call(node, scope)
    if isinstance(node, ast.IfExp):
        return classes_of(node.body, scope) | classes_of(node.orelse, scope)
    if isinstance(node, ast.NamedExpr):
        return classes_of(node.value, scope)
    return UNKNOWN


def is_ui(node: ast.expr) -> bool:
    """`ui`, `self.ui`, `panel.ui`: the namespace of the widgets of the .ui file."""
    return isinstance(node, ast.Name | ast.Attribute) and (node.id if isinstance(node, ast.Name) else node.attr) == "ui"


def qt_class_named(node: ast.expr) -> str:
    """`qt.QLabel`, `ctk.ctkSliderWidget`, `slicer.qMRMLWidget`: the name of the class, else empty."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        prefix = MODULES.get(node.value.id)
        if prefix and node.attr.startswith(prefix) and (node.value.id != "slicer" or facts.manifest.is_own(node.attr)):
            return node.attr
    return ""


def elements_of(node: ast.expr, scope: Scope) -> Classes:
    """What a loop over a written-out tuple or list gives."""
    if not isinstance(node, ast.Tuple | ast.List):
        return UNKNOWN
    each = [classes_of(element, scope) for element in node.elts]
    return frozenset().union(*each) if each and all(each) else UNKNOWN


def annotated(node: ast.expr | None) -> Classes:
    """The class that an annotation names."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            node = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return UNKNOWN
    if isinstance(node, ast.BinOp):
        return annotated(node.left) | annotated(node.right)
    name = qt_class_named(node) if node is not None else ""
    return frozenset([name]) if name and facts.is_known(name) else UNKNOWN


def _of_attribute(node: ast.Attribute, scope: Scope) -> Classes:
    if is_ui(node.value):
        return frozenset([scope.widgets[node.attr]]) if node.attr in scope.widgets else UNKNOWN
    if isinstance(node.value, ast.Name) and node.value.id == "slicer" and node.attr == "app":
        return frozenset(["qSlicerApplication"])
    if isinstance(node.value, ast.Name) and node.value.id == "self":
        return scope.attributes.get(node.attr, UNKNOWN)
    return UNKNOWN


def _of_call(node: ast.Call, scope: Scope) -> Classes:
    made = qt_class_named(node.func)
    if made:
        return frozenset([made]) if facts.is_known(made) else UNKNOWN
    if not isinstance(node.func, ast.Attribute):
        return UNKNOWN
    name, owner = node.func.attr, node.func.value
    if isinstance(owner, ast.Attribute) and owner.attr == "util" and name in UTIL_RETURNS:
        return frozenset([UTIL_RETURNS[name]])
    owners = classes_of(owner, scope) or frozenset(filter(None, [qt_class_named(owner)]))
    return frozenset(filter(None, (_returned(cls, name) for cls in owners)))


def _returned(class_name: str, method: str) -> str:
    found = facts.member(class_name, method)
    if found is not None and facts.is_known(found.returns):
        return found.returns
    if method in ("item", "currentItem"):
        return ITEM_CLASSES.get(class_name, "")
    return RETURNS.get(method, "") if found is not None and not found.returns else ""
