"""qMRMLCheckableNodeComboBox: a node combo box whose nodes have ticks."""

from __future__ import annotations

from PySide6 import QtCore

from harness.facade import behaviour
from harness.pythonqt.attributes import plain

CheckState = QtCore.Qt.CheckState


@behaviour
class qMRMLCheckableNodeComboBox:
    def setUp(self, *ignored):
        self.own.checked = set()

    def checkState(self, node):
        return CheckState.Checked if node.GetID() in self.own.checked else CheckState.Unchecked

    def setCheckState(self, node, state):
        before = set(self.own.checked)
        checked = CheckState(plain(state)) == CheckState.Checked
        (self.own.checked.add if checked else self.own.checked.discard)(node.GetID())
        if before != self.own.checked:
            self.checkedNodesChanged.emit()

    def checkedNodes(self):
        return [node for node in self._nodes() if node.GetID() in self.own.checked]

    def uncheckedNodes(self):
        return [node for node in self._nodes() if node.GetID() not in self.own.checked]

    def allChecked(self):
        return not self.uncheckedNodes()

    def noneChecked(self):
        return not self.checkedNodes()
