"""Bring everything up, once a process.

First what can be imported: Qt with the made-up classes, Slicer's Python layer. Then, when a test runs, the scene, the
logics and the application.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from functools import cache
from pathlib import Path

STAND_INS = Path(__file__).with_name("python_layer")
BEHAVIOURS = """
application io_manager layout_manager main_window modules
widgets.ctk_buttons widgets.ctk_choices widgets.ctk_numbers
widgets.mrml_widgets widgets.node_combo_box widgets.checkable_node_combo_box widgets.segment_views widgets.table_views
widgets.view_widgets widgets.plot_views
""".split()


@cache
def prepare() -> None:
    """Make `slicer`, `qt`, `ctk` and Slicer's Python layer importable; no scene and no application yet."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if not os.environ.get("VTK_DEFAULT_OPENGL_WINDOW"):
        os.environ["VTK_DEFAULT_OPENGL_WINDOW"] = "vtkEGLRenderWindow"
    import slicer

    from harness import older_slicer

    qt, ctk = _qt_modules()
    sys.modules.update(qt=qt, ctk=ctk)
    slicer.__class__ = _slicer_module_class(type(slicer))
    slicer.modules = sys.modules["slicer.modules"] = types.ModuleType("slicer.modules")
    slicer.moduleNames = types.SimpleNamespace()
    slicer.selfTests = {}
    slicer.__path__.append(str(python_layer()))
    older_slicer.hide_newer()


@cache
def start():
    """Bring up the scene, the logics and the application; returns `slicer.app`."""
    prepare()
    from harness import mrml, slot_errors

    slot_errors.watch()
    return _application(mrml.start())


def python_layer() -> Path:
    """The folder with Slicer's own Python files when SLICER_SOURCE names a checkout, else the stand-ins."""
    source = os.environ.get("SLICER_SOURCE")
    return Path(source) / "Base" / "Python" / "slicer" if source else STAND_INS


def _qt_modules():
    from harness import dialogs, facade, ui_loader
    from harness.pythonqt import qt_module

    for name in BEHAVIOURS:
        importlib.import_module(f"harness.{name}")
    qt = qt_module.build()
    qt.QUiLoader = ui_loader.QUiLoader
    dialogs.install()
    ctk = types.ModuleType("ctk", "CTK as Python code inside Slicer sees it")
    ctk.__getattr__ = lambda name: _own(facade, name, ("ctk",), "ctk")
    return qt, ctk


def _own(facade, name: str, prefixes: tuple[str, ...], module: str):
    if name.startswith(prefixes):
        return facade.own_class(name)
    raise AttributeError(f"module '{module}' has no attribute '{name}'")


def _slicer_module_class(base: type) -> type:
    from harness import facade

    class SlicerModule(base):
        """The package `slicer`, whose qMRML and qSlicer classes are made on demand."""

        def __getattr__(self, name):
            return _own(facade, name, ("qMRML", "qSlicer"), "slicer")

    return SlicerModule


def _application(everything):
    import slicer

    from harness import application, facade, main_window, modules

    application.start_settings(everything.folder)
    app = slicer.app = facade.own_class("qSlicerApplication")(["Slicer"])
    app._bind(everything)
    for name, logic in everything.logics.items():
        modules.add_logic_module(name, logic)
    layout = facade.own_class("qSlicerLayoutManager")()
    layout._bind(everything.application_logic, everything.scene)
    app._bind_layout(layout)
    layout.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    app.own.window = main_window.make()
    app.startupCompleted.emit()
    return app
