"""ctkSliderWidget, ctkRangeWidget, ctkDoubleSpinBox and their unit-aware qMRML children."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets

from harness.facade import behaviour
from harness.widgets.boxes import row_layout

STEPS = 1000


def limited(value, low, high):
    return min(max(value, low), high)


@behaviour
class ctkSliderWidget:
    DEFAULTS = {"minimum": 0.0, "maximum": 99.0, "value": 0.0, "singleStep": 1.0, "pageStep": 10.0, "decimals": 2}
    DEFAULTS |= {"prefix": "", "suffix": "", "tracking": True, "spinBoxVisible": True, "tickInterval": 0.0}
    DEFAULTS |= {"invertedAppearance": False, "invertedControls": False, "popupSlider": False}

    def setUp(self, *ignored):
        layout = row_layout(self)
        self.own.slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self)
        self.own.slider.setRange(0, STEPS)
        self.own.box = QtWidgets.QDoubleSpinBox(self)
        layout.addWidget(self.own.slider, 1)
        layout.addWidget(self.own.box)
        self.own.busy = False
        self._show()
        self.own.slider.valueChanged.connect(self._slide)
        self.own.box.valueChanged.connect(self._type)

    def _slide(self, position):
        if not self.own.busy:
            low, high = self.minimum, self.maximum
            self.setValue(low + position / STEPS * (high - low))

    def _type(self, value):
        if not self.own.busy:
            self.setValue(value)

    def _show(self):
        self.own.busy = True
        values, box = self._values, self.own.box
        box.setDecimals(values["decimals"])
        box.setRange(values["minimum"], values["maximum"])
        box.setSingleStep(values["singleStep"])
        box.setPrefix(values["prefix"])
        box.setSuffix(values["suffix"])
        box.setVisible(values["spinBoxVisible"])
        box.setValue(values["value"])
        span = values["maximum"] - values["minimum"]
        self.own.slider.setValue(round((values["value"] - values["minimum"]) / span * STEPS) if span else 0)
        self.own.busy = False

    def _keep(self, name, value):
        self._values[name] = value
        self._show()

    def setValue(self, value):
        values = self._values
        value = limited(round(float(value), values["decimals"]), values["minimum"], values["maximum"])
        changed = value != values["value"]
        self._keep("value", value)
        if changed:
            self.valueChanged.emit(value)

    def reset(self):
        self.setValue(0.0)

    value = property(lambda self: self._values["value"], setValue)

    @property
    def minimum(self):
        return self._values["minimum"]

    @minimum.setter
    def minimum(self, value):
        self._values.update(minimum=value, maximum=max(value, self._values["maximum"]))
        self.setValue(self._values["value"])

    @property
    def maximum(self):
        return self._values["maximum"]

    @maximum.setter
    def maximum(self, value):
        self._values.update(maximum=value, minimum=min(value, self._values["minimum"]))
        self.setValue(self._values["value"])

    def setDecimals(self, value):
        self._keep("decimals", value)

    decimals = property(lambda self: self._values["decimals"], setDecimals)

    def setSpinBoxVisible(self, value):
        self._keep("spinBoxVisible", value)

    spinBoxVisible = property(lambda self: self._values["spinBoxVisible"], setSpinBoxVisible)
    singleStep = property(lambda self: self._values["singleStep"], lambda self, value: self._keep("singleStep", value))
    prefix = property(lambda self: self._values["prefix"], lambda self, value: self._keep("prefix", value))
    suffix = property(lambda self: self._values["suffix"], lambda self, value: self._keep("suffix", value))


@behaviour
class ctkRangeWidget:
    DEFAULTS = {"minimum": 0.0, "maximum": 99.0, "minimumValue": 0.0, "maximumValue": 99.0, "singleStep": 1.0}
    DEFAULTS |= {"decimals": 2, "prefix": "", "suffix": "", "tracking": True}

    def setUp(self, *ignored):
        layout = row_layout(self)
        self.own.boxes = QtWidgets.QDoubleSpinBox(self), QtWidgets.QDoubleSpinBox(self)
        self.own.busy = False
        for box in self.own.boxes:
            layout.addWidget(box)
            box.valueChanged.connect(self._type)
        self._show()

    def _type(self, _value):
        if not self.own.busy:
            self.setValues(*(box.value for box in self.own.boxes))

    def _show(self):
        self.own.busy = True
        values = self._values
        for box, key in zip(self.own.boxes, ("minimumValue", "maximumValue"), strict=True):
            box.setDecimals(values["decimals"])
            box.setRange(values["minimum"], values["maximum"])
            box.setSingleStep(values["singleStep"])
            box.setValue(values[key])
        self.own.busy = False

    def setRange(self, low, high):
        self._values.update(minimum=float(low), maximum=float(high))
        self.setValues(self._values["minimumValue"], self._values["maximumValue"])

    def setValues(self, low, high):
        values = self._values
        low, high = sorted(limited(float(value), values["minimum"], values["maximum"]) for value in (low, high))
        changed = (low, high) != (values["minimumValue"], values["maximumValue"])
        values.update(minimumValue=low, maximumValue=high)
        self._show()
        if changed:
            self.valuesChanged.emit(low, high)

    def _keep(self, name, value):
        self._values[name] = value
        self._show()

    minimum = property(lambda s: s._values["minimum"], lambda s, v: s.setRange(v, max(v, s._values["maximum"])))
    maximum = property(lambda s: s._values["maximum"], lambda s, v: s.setRange(min(v, s._values["minimum"]), v))
    minimumValue = property(lambda s: s._values["minimumValue"], lambda s, v: s.setValues(v, s.maximumValue))
    maximumValue = property(lambda s: s._values["maximumValue"], lambda s, v: s.setValues(s.minimumValue, v))
    decimals = property(lambda s: s._values["decimals"], lambda s, v: s._keep("decimals", v))
    singleStep = property(lambda s: s._values["singleStep"], lambda s, v: s._keep("singleStep", v))


@behaviour
class ctkDoubleSpinBox:
    DEFAULTS = {"minimum": 0.0, "maximum": 99.99, "value": 0.0, "singleStep": 1.0, "decimals": 2}
    DEFAULTS |= {"prefix": "", "suffix": ""}

    def setUp(self, *ignored):
        self.own.box = QtWidgets.QDoubleSpinBox(self)
        row_layout(self).addWidget(self.own.box)
        self.own.box.valueChanged.connect(self._type)

    def _type(self, value):
        self._values["value"] = value
        self.valueChanged.emit(value)

    def _keep(self, name, value):
        self._values[name] = value
        setter = "set" + name[0].upper() + name[1:]
        getattr(self.own.box, setter)(value)

    def setValue(self, value):
        self.own.box.setValue(value)

    value = property(lambda self: self._values["value"], setValue)
    minimum = property(lambda s: s._values["minimum"], lambda s, v: s._keep("minimum", v))
    maximum = property(lambda s: s._values["maximum"], lambda s, v: s._keep("maximum", v))
    decimals = property(lambda s: s._values["decimals"], lambda s, v: s._keep("decimals", v))
    singleStep = property(lambda s: s._values["singleStep"], lambda s, v: s._keep("singleStep", v))
    suffix = property(lambda s: s._values["suffix"], lambda s, v: s._keep("suffix", v))
    prefix = property(lambda s: s._values["prefix"], lambda s, v: s._keep("prefix", v))
