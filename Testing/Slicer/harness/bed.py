"""What the fixtures do. In a real Slicer they drive that Slicer, anywhere else the test bed."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import slot_errors

ROOT = Path(__file__).resolve().parents[3]
STAND_INS = ("qt", "ctk")
TREE = "BRAINFM_TREE"
STEP_S = 0.005
_hidden: dict[str, object] = {}


def in_real_slicer() -> bool:
    """Whether this Python runs inside a Slicer application."""
    return "PythonQt" in sys.modules


@contextmanager
def imports():
    """Inside, `slicer`, `qt`, `ctk` and the modules' packages can be imported; outside, other tests don't see them."""
    if in_real_slicer():
        yield
        return
    from harness.start import prepare

    prepare()
    sys.modules.update(_hidden)
    added = [str(folder) for folder in module_folders() if str(folder) not in sys.path]
    sys.path[:0] = added
    try:
        yield
    finally:
        for folder in added:
            if folder in sys.path:
                sys.path.remove(folder)
        for name in STAND_INS:
            if name in sys.modules:
                _hidden[name] = sys.modules.pop(name)


def module_folders() -> list[Path]:
    """The folders that hold a scripted module.

    BRAINFM_TREE says of which tree: `installed` (what CMake installs), a folder, or by default the sources. A tree that
    was installed once is named to child processes.
    """
    if os.environ.get(TREE) == "installed":
        os.environ[TREE] = str(_installed_folder())
    tree = Path(os.environ.get(TREE) or ROOT)
    if any(tree.glob("*Lib/__init__.py")):
        return [tree]
    return [path.parent for path in sorted(tree.glob("*/*.py")) if path.stem == path.parent.name]


def _installed_folder() -> Path:
    sys.path.append(str(ROOT / "Testing"))
    try:
        from installed_tree import installed_modules_folder
    finally:
        sys.path.remove(str(ROOT / "Testing"))
    return installed_modules_folder()


def application():
    """`slicer.app`, brought up when it is first asked for."""
    import slicer

    if not in_real_slicer():
        from harness.start import start

        return start()

    return slicer.app


def scene():
    """`slicer.mrmlScene`."""
    import slicer

    return slicer.mrmlScene


def clear() -> None:
    """Empty the scene and let what waits for the event loop run."""
    application().processEvents()
    scene().Clear(0)
    application().processEvents()


def forget_views() -> None:
    """Let go of the views that tests have added."""
    if not in_real_slicer():
        application().layoutManager()._forget_views()
        application().processEvents()


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep the garbage collector from deleting widgets that a list of all widgets still names: Qt would crash."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def complaints() -> list:
    """Errors that slots, timers and observers raised, and windows left open, since the last call."""
    if in_real_slicer():
        return []
    import slicer

    found = list(slot_errors.take())
    with no_collection():
        main_window = slicer.util.mainWindow()
        for widget in application().topLevelWidgets():
            if widget is not main_window and widget.visible and widget.parent() is None:
                found.append(f"a window was left open: {widget.className()} '{widget.windowTitle}'")
                widget.close()
    from harness.dialogs import dialogs

    dialogs.reset()
    return found


def pump(condition=lambda: False, timeout_s: float = 5.0) -> bool:
    """Run the event loop until the condition holds; whether it did in time."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            return False
        application().processEvents()
        time.sleep(STEP_S)
    return True


def open_module(name: str):
    """Load the module if it is not there yet, select it, and return its Python widget."""
    import slicer

    if not in_real_slicer() and slicer.app.moduleManager().module(name) is None:
        from harness import modules

        modules.load(next(path for folder in module_folders() if (path := folder / f"{name}.py").is_file()))
    slicer.util.mainWindow().show()
    slicer.util.selectModule(name)
    application().processEvents()
    return getattr(slicer.modules, name.lower()).widgetRepresentation().self()


def close_module() -> None:
    """Leave the open module; in the test bed also throw it away, so that the next test gets a new one."""
    import slicer

    if in_real_slicer():
        slicer.util.selectModule("Data")
        return
    window = slicer.util.mainWindow()
    module = slicer.app.moduleManager().module(window.moduleSelector().selectedModule)
    window.moduleSelector().selectModule("")
    if module is not None:
        slicer.app.moduleManager()._unload(module)
    window.hide()


def screenshot(name: str) -> Path:
    """Picture of the main window as a PNG file, in the folder SLICER_SCREENSHOTS or a temporary one."""
    import slicer

    folder = Path(os.environ.get("SLICER_SCREENSHOTS") or tempfile.mkdtemp(prefix="brainfm-shots-"))
    folder.mkdir(parents=True, exist_ok=True)
    application().processEvents()
    path = folder / f"{name}.png"
    slicer.util.mainWindow().grab().save(str(path))
    return path
