"""Made-up classes have what Slicer's have, and nothing else."""

import ctk
import pytest
import qt
import slicer
from harness import facade

pytestmark = pytest.mark.gui


def test_every_behaviour_fits_its_class(slicer_app):
    for name in facade._behaviours:
        cls = facade.own_class(name)
        if not issubclass(cls, qt.QCoreApplication):
            assert cls().className() == name


def test_a_behaviour_can_not_invent_members():
    for invented in ({"setRange": lambda self: None}, {"foo": property(lambda self: 1)}, {"DEFAULTS": {"foo": 1}}):
        name = "ctkVTKAbstractView"
        kept, made = facade._behaviours.get(name), facade._classes.pop(name, None)
        facade._behaviours[name] = type(name, (), invented)
        try:
            with pytest.raises(TypeError, match="harness"):
                facade.own_class(name)
        finally:
            facade._behaviours[name], facade._classes[name] = kept, made


@pytest.mark.parametrize(
    "code",
    [
        "ctk.ctkSliderWidgt",
        "slicer.qMRMLNodeComboBoxx",
        "slider.setRange(0, 1)",
        "slider.foo",
        "slider.foo = 1",
        "slider.value = 'x'",
        "slider.valueChanged = 1",
        "slider.connect('valueChanged(int)', print)",
        "selector.setNodeTypes(['vtkMRMLModelNode'])",
        "selector.setNoneEnabled(True)",
        "selector.connect('currentNodeChanged(QString)', print)",
        "slicer.app.foo",
        "slicer.app.layoutManager().threeDViewCount = 2",
        "slicer.app.moduleManager().modules",
    ],
)
def test_what_does_not_exist_raises(slicer_app, code):
    names = {"ctk": ctk, "slicer": slicer, "slider": ctk.ctkSliderWidget(), "selector": slicer.qMRMLNodeComboBox()}
    with pytest.raises(AttributeError):
        exec(code, names)


def test_what_exists_but_is_not_modelled_says_so(slicer_app):
    with pytest.raises(facade.NotModelled, match="isCodePageUtf8"):
        slicer.app.isCodePageUtf8()
    with pytest.raises(facade.NotModelled, match="tickPosition"):
        _ = ctk.ctkSliderWidget().tickPosition


def test_overloads_of_a_signal_are_told_apart(scene):
    selector, got = slicer.qMRMLNodeComboBox(), []
    selector.nodeTypes = ["vtkMRMLModelNode"]
    selector.setMRMLScene(scene)
    selector.connect("currentNodeChanged(bool)", lambda valid: got.append(valid))
    selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: got.append(node.GetName()))
    node = selector.addNode()
    assert got == [True, node.GetName()] or got == [node.GetName(), True]
    selector.blockSignals(True)
    selector.setCurrentNode(None)
    assert len(got) == 2


def test_slots_that_set_a_property_do(slicer_app):
    slider = ctk.ctkSliderWidget()
    slider.setDecimals(3)
    assert slider.decimals == 3
    button = ctk.ctkCollapsibleButton("Section")
    assert button.text == "Section" and isinstance(button, qt.QAbstractButton)


def test_a_class_of_another_version_can_be_asked_for():
    from harness import manifest

    assert not manifest.known("ctkFooBar")
    assert manifest.members("ctkSliderWidget", "5.10.0")["value"].kind == "property"
    assert manifest.parse("resetCamera(bool,bool)#0:int").required == 0
    assert manifest.split_arguments("QList<QPair<int,int>>,bool") == ("QList<QPair<int,int>>", "bool")
