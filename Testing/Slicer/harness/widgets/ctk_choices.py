"""ctkPathLineEdit, ctkComboBox, ctkCheckableComboBox, ctkMessageBox, ctkDirectoryButton, ctkColorPickerButton."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

from harness.facade import behaviour
from harness.pythonqt.attributes import plain
from harness.widgets.boxes import row_layout

Combo = QtWidgets.QComboBox
CheckState = QtCore.Qt.CheckState


@behaviour
class ctkPathLineEdit:
    DEFAULTS = {"currentPath": "", "showBrowseButton": True, "showHistoryButton": True, "settingKey": "", "label": ""}
    DEFAULTS |= {"nameFilters": (), "filters": 7, "options": 0, "minimumContentsLength": 0}

    def setUp(self, *ignored):
        layout = row_layout(self)
        self.own.combo = Combo(self)
        self.own.combo.setEditable(True)
        self.own.combo.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.own.button = QtWidgets.QToolButton(self)
        self.own.button.setText("...")
        layout.addWidget(self.own.combo)
        layout.addWidget(self.own.button)
        self.own.combo.editTextChanged.connect(self.setCurrentPath)

    def comboBox(self):
        return self.own.combo

    def setCurrentPath(self, path):
        if path == self._values["currentPath"]:
            return
        self._values["currentPath"] = path
        self.own.combo.setEditText(path)
        self.currentPathChanged.emit(path)

    currentPath = property(lambda self: self._values["currentPath"], setCurrentPath)

    def _show_button(self, value):
        self._values["showBrowseButton"] = value
        self.own.button.setVisible(value)

    showBrowseButton = property(lambda self: self._values["showBrowseButton"], _show_button)

    def addCurrentPathToHistory(self):
        """Settings keep the last paths of a key, newest first."""
        key = self._values["settingKey"]
        if key and self._values["currentPath"]:
            settings = QtCore.QSettings()
            paths = settings.value(key) or []
            paths = [paths] if isinstance(paths, str) else list(paths)
            current = self._values["currentPath"]
            settings.setValue(key, [current, *(path for path in paths if path != current)][:10])

    def retrieveHistory(self):
        self.own.combo.clear()
        paths = QtCore.QSettings().value(self._values["settingKey"]) or []
        self.own.combo.addItems([paths] if isinstance(paths, str) else list(paths))


@behaviour
class ctkComboBox:
    DEFAULTS = {"defaultText": "", "forceDefault": False, "elideMode": 3, "scrollWheelEffect": 1}

    def setCurrentUserDataAsString(self, text):
        for index in range(self.count):
            if str(Combo.itemData(self, index)) == text:
                self.setCurrentIndex(index)

    @property
    def currentUserDataAsString(self):
        return str(self.currentData or "")

    @currentUserDataAsString.setter
    def currentUserDataAsString(self, value):
        self.setCurrentUserDataAsString(value)


@behaviour
class ctkCheckableComboBox:
    def setUp(self, *ignored):
        self.setModel(QtGui.QStandardItemModel(self))
        Combo.model(self).rowsInserted.connect(self._make_checkable)
        Combo.model(self).dataChanged.connect(self._changed)

    def _make_checkable(self, _parent, first, last):
        model = Combo.model(self)
        for row in range(first, last + 1):
            model.item(row).setCheckable(True)
            if model.item(row).data(QtCore.Qt.ItemDataRole.CheckStateRole) is None:
                model.item(row).setCheckState(CheckState.Unchecked)

    def _changed(self, _first, _last, roles):
        if not roles or QtCore.Qt.ItemDataRole.CheckStateRole in [QtCore.Qt.ItemDataRole(role) for role in roles]:
            self.checkedIndexesChanged.emit()

    def checkableModel(self):
        return Combo.model(self)

    def setCheckState(self, index, state):
        Combo.model(self).itemFromIndex(index).setCheckState(CheckState(plain(state)))

    def checkState(self, index):
        return Combo.model(self).itemFromIndex(index).checkState()

    def checkedIndexes(self):
        model = Combo.model(self)
        checked = [row for row in range(model.rowCount()) if model.item(row).checkState() == CheckState.Checked]
        return [model.index(row, 0) for row in checked]

    def allChecked(self):
        return len(self.checkedIndexes()) == Combo.model(self).rowCount()

    def noneChecked(self):
        return not self.checkedIndexes()


@behaviour
class ctkMessageBox:
    DEFAULTS = {"dontShowAgain": False, "dontShowAgainSettingsKey": "", "dontShowAgainVisible": False}

    def setDontShowAgain(self, value):
        self._values["dontShowAgain"] = value


@behaviour
class ctkDirectoryButton:
    DEFAULTS = {"directory": "", "caption": "", "text": "", "elideMode": 0, "options": 0}

    def setUp(self, *ignored):
        self.own.button = QtWidgets.QPushButton(self)
        row_layout(self).addWidget(self.own.button)

    @property
    def directory(self):
        return self._values["directory"]

    @directory.setter
    def directory(self, value):
        changed = value != self._values["directory"]
        self._values["directory"] = value
        self.own.button.setText(value)
        self.directorySelected.emit(value)
        if changed:
            self.directoryChanged.emit(value)


@behaviour
class ctkColorPickerButton:
    DEFAULTS = {"color": QtGui.QColor("black"), "displayColorName": True, "dialogOptions": 0}

    def setColor(self, color):
        if color != self._values["color"]:
            self._values["color"] = color
            self.colorChanged.emit(color)

    color = property(lambda self: self._values["color"], setColor)
