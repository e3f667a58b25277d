"""`qt` behaves as PythonQt does: what real Slicer refuses is refused here."""

import sys

import pytest
import qt

pytestmark = pytest.mark.gui


def test_properties_are_attributes(slicer_app):
    button = qt.QPushButton("Run")
    button.toolTip = "Start"
    assert (button.text, button.enabled, button.toolTip) == ("Run", True, "Start")
    with pytest.raises(TypeError):
        button.text()
    button.objectName = "run"
    assert button.name == "run"


def test_children_are_found_by_name(slicer_app):
    parent = qt.QWidget()
    layout = qt.QVBoxLayout(parent)
    layout.addWidget(qt.QLabel("one"))
    label = qt.QLabel("two")
    label.objectName = "second"
    layout.addWidget(label)
    assert parent.second.text == "two"
    assert parent.layout() is layout


@pytest.mark.parametrize(
    "code",
    [
        "button.tooltip = 'x'",
        "button.foo",
        "button.click = 3",
        "button.clicked = 3",
        "button.connect('clickd()', print)",
        "button.connect('clicked', print)",
        "button.clicked.connect(3)",
        "combo.connect('currentIndexChanged(QString)', print)",
        "combo.count = 3",
        "combo.currentIndex = 'x'",
    ],
)
def test_what_slicer_refuses_raises(slicer_app, code):
    names = {"button": qt.QPushButton(), "combo": qt.QComboBox()}
    with pytest.raises(AttributeError):
        exec(code, names)


def test_a_slot_gets_as_many_arguments_as_it_takes(slicer_app):
    button, got = qt.QPushButton(), []
    button.connect("clicked()", lambda *values: got.append(("none", values)))
    button.connect("clicked(bool)", lambda *values: got.append(("bool", values)))
    button.clicked.connect(lambda: got.append("no argument"))
    button.clicked.connect(lambda value="default": got.append(value))
    button.clicked.connect(got.append)
    button.click()
    assert got == [("none", ()), ("bool", (False,)), "no argument", False, False]


def test_methods_are_slots_and_can_be_disconnected(slicer_app):
    class Panel:
        count = 0

        def onClicked(self):
            self.count += 1

    panel, button = Panel(), qt.QPushButton()
    button.clicked.connect(panel.onClicked)
    button.click()
    assert button.clicked.disconnect(panel.onClicked)
    assert not button.clicked.disconnect(panel.onClicked)
    button.connect("clicked()", panel.onClicked)
    button.disconnect("clicked()", panel.onClicked)
    button.click()
    assert panel.count == 1


def test_errors_in_slots_are_swallowed_and_kept(slicer_app, slot_errors, pump):
    button = qt.QPushButton()
    button.clicked.connect(lambda: 1 / 0)
    button.click()
    qt.QTimer.singleShot(0, lambda: [][3])
    pump(timeout_s=0.1)
    assert [type(error) for error in slot_errors.take()] == [ZeroDivisionError, IndexError]


def test_a_slot_lives_as_long_as_its_sender(slicer_app, pump):
    import gc
    import weakref

    class Listener:
        def heard(self):
            pass

    button, listener = qt.QPushButton(), Listener()
    button.clicked.connect(listener.heard)
    watched = weakref.ref(listener)
    del listener
    gc.collect()
    assert watched() is not None
    button.deleteLater()
    slicer_app.sendPostedEvents(None, 52)
    gc.collect()
    assert watched() is None


def test_python_classes_of_qt_objects_take_attributes(slicer_app):
    class Filter(qt.QObject):
        pass

    made = Filter()
    made.seen = 3
    assert made.seen == 3


def test_a_process_tells_its_lines_and_its_end(slicer_app, pump):
    process, lines, ends = qt.QProcess(), [], []
    process.readyReadStandardOutput.connect(lambda: lines.append(process.readAllStandardOutput().data()))
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: ends.append((code, status)))
    process.start(sys.executable, ["-c", "import sys; print('done'); sys.exit(3)"])
    assert pump(lambda: ends, 20)
    assert b"".join(lines).split() == [b"done"]
    assert ends == [(3, qt.QProcess.NormalExit)]


def test_timers_settings_shortcuts_and_the_clipboard(slicer_app, pump):
    ticks, timer = [], qt.QTimer()
    timer.setInterval(1)
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start()
    assert timer.active and pump(lambda: len(ticks) > 2)
    timer.stop()
    settings = qt.QSettings()
    settings.setValue("BrainFM/test", "yes")
    assert qt.QSettings().value("BrainFM/test") == "yes"
    assert str(slicer_app.temporaryPath) in settings.fileName()
    settings.remove("BrainFM/test")
    window = qt.QWidget()
    shortcut = qt.QShortcut(qt.QKeySequence("F"), window)
    shortcut.activated.connect(lambda: ticks.clear())
    shortcut.activated.emit()
    assert not ticks
    qt.QApplication.clipboard().setText("a\tb")
    assert qt.QApplication.clipboard().text() == "a\tb"


def test_questions_are_answered_by_the_test(slicer_app, dialogs):
    dialogs.answer(qt.QMessageBox.Yes, "/tmp/model.pth", lambda question: question.dialog.windowTitle)
    assert qt.QMessageBox.question(None, "Delete", "Delete the model?") == qt.QMessageBox.Yes
    assert qt.QFileDialog.getOpenFileName(None, "Import", "", "*.pth") == "/tmp/model.pth"
    box = qt.QMessageBox()
    box.windowTitle = "Title"
    assert box.exec_() == "Title"
    menu = qt.QMenu()
    chosen = []
    menu.addAction("Copy").triggered.connect(lambda: chosen.append("Copy"))
    dialogs.answer("Copy")
    assert menu.exec_().text == "Copy" and chosen == ["Copy"]
    with pytest.raises(AssertionError, match="Delete"):
        qt.QMessageBox.question(None, "Delete", "Delete the model?")
    assert [question.kind for question in dialogs.asked][:2] == ["QMessageBox.question", "QFileDialog.getOpenFileName"]
    assert qt.QDesktopServices.openUrl(qt.QUrl("https://example.org"))
    assert dialogs.opened == ["https://example.org"]
