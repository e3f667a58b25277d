"""A scripted module is loaded, entered, left and thrown away as Slicer does it."""

import sys

import pytest
import qt
import slicer
from harness import modules

pytestmark = pytest.mark.gui
MODULE = """
import qt, slicer
from slicer.ScriptedLoadableModule import *
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.util import VTKObservationMixin

class BedModule(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Bed module")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Testing")]
        self.parent.helpText = "help"

class BedModuleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.calls = []
    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.layout.addWidget(qt.QLabel("panel"))
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onClose)
        self.calls.append("setup")
    def enter(self): self.calls.append("enter")
    def exit(self): self.calls.append("exit")
    def onClose(self, caller, event): self.calls.append("close")
    def cleanup(self):
        self.removeObservers()
        self.calls.append("cleanup")

class BedModuleLogic(ScriptedLoadableModuleLogic):
    pass
"""


@pytest.fixture
def widget(scene, tmp_path, slicer_app):
    folder = tmp_path / "BedModule"
    (folder / "Resources").mkdir(parents=True)
    (folder / "BedModule.py").write_text(MODULE)
    module = modules.load(folder / "BedModule.py")
    slicer.util.selectModule("BedModule")
    yield slicer.modules.BedModuleWidget
    slicer.util.selectModule("Data")
    if slicer_app.moduleManager().module("BedModule") is not None:
        slicer_app.moduleManager()._unload(module)
    sys.path.remove(str(folder))
    sys.modules.pop("BedModule")


def test_what_slicer_knows_of_it(widget):
    module = slicer.modules.bedmodule
    assert (module.title, module.categories, module.name) == ("Bed module", ("Testing",), "BedModule")
    assert slicer.util.modulePath("BedModule") == module.path
    assert module.widgetRepresentation().self() is widget
    assert widget.resourcePath("UI/x.ui").endswith("BedModule/Resources/UI/x.ui")
    assert "BedModule" in slicer.app.moduleManager().modulesNames()
    with pytest.raises(AttributeError):
        module.titel = "x"
    with pytest.raises(AttributeError):
        module.name = "x"


def test_enter_exit_and_close(widget):
    assert widget.calls == ["setup", "enter"] and widget.parent.isEntered
    assert slicer.util.selectedModule() == "BedModule"
    slicer.util.selectModule("Data")
    assert not widget.parent.isEntered
    slicer.util.selectModule("BedModule")
    slicer.mrmlScene.Clear(0)
    assert widget.calls == ["setup", "enter", "exit", "enter", "close"]


def test_cleanup_when_it_is_unloaded(widget, slicer_app):
    slicer_app.moduleManager()._unload(slicer.modules.bedmodule)
    slicer.mrmlScene.Clear(0)
    assert widget.calls[-1] == "cleanup"
    assert not hasattr(slicer.modules, "bedmodule")


def test_its_logic_keeps_one_parameter_node(widget):
    logic = sys.modules["BedModule"].BedModuleLogic()
    node = logic.getParameterNode()
    assert node is logic.getParameterNode() and node.GetAttribute("ModuleName") == "BedModule"
    assert logic.getAllParameterNodes() == [node]
    logic.isSingletonParameterNode = False
    slicer.mrmlScene.AddNode(logic.createParameterNode())
    assert len(logic.getAllParameterNodes()) == 2


def test_the_panel_is_in_the_main_window(widget):
    window = slicer.util.mainWindow()
    assert window.objectName == "qSlicerMainWindow" and window.isAncestorOf(widget.parent)
    assert [label.text for label in widget.parent.findChildren(qt.QLabel)] == ["panel"]
    slicer.util.showStatusMessage("working")
    assert window.statusBar().currentMessage() == "working"


def test_packages_are_checked_and_never_installed(slicer_app, tmp_path):
    packaging = pytest.importorskip("slicer.packaging")
    if not hasattr(packaging, "asked"):
        pytest.skip("Slicer's own packaging is in use")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# comment\nnumpy>=1\nno-such-package>=2\n")
    assert packaging.pip_check("numpy>=1") and not packaging.pip_check("no-such-package")
    packaging.asked.clear()
    packaging.pip_ensure(packaging.load_requirements(requirements), requester="BrainFM")
    assert packaging.asked == [("BrainFM", ["no-such-package>=2"])]
    packaging.answer = False
    with pytest.raises(RuntimeError):
        packaging.pip_ensure(["no-such-package"])
    packaging.answer = True
    packaging.asked.clear()


def test_texts_that_are_translated_can_be_marked(slicer_app):
    from slicer import i18n

    if not hasattr(i18n, "mark"):
        pytest.skip("Slicer's own i18n is in use")
    i18n.mark = lambda text: f"<{text}>"
    assert i18n.tr("Apply") == "<Apply>"
    i18n.mark = i18n.unmarked
