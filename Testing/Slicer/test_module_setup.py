"""Setup and models in the panel: what is missing is told, and nothing is installed or downloaded unasked."""

import dataclasses
import shutil
import sys

import module_bed
import pytest
from BrainFMEngine.models import store
from BrainFMLib.Dependencies import Dependencies, InstallResult
from BrainFMLib.EngineProcess import EngineProcess, Outcome
from BrainFMLib.ModelManager import ModelManager
from BrainFMLib.Widgets import SetupPanel as SetupPanelFile
from module_panel import Panel, folder, panel, setup  # noqa: F401

pytestmark = pytest.mark.gui
BROKEN_LINE = {
    **module_bed.HEALTH_LINE,
    "packages": [{"name": "torch", "needed": ">=2.6", "installed": None, "ok": False, "problem": "not installed"}],
    "devices": [],
    "device": "",
}


@pytest.fixture
def bare(setup, monkeypatch, folder, open_module, pump):  # noqa: F811
    """The panel on a Slicer without PyTorch."""
    broken = module_bed.says(BROKEN_LINE)
    monkeypatch.setattr(SetupPanelFile, "Dependencies", lambda: Dependencies(command=broken))
    panel = Panel(open_module("BrainFM"), pump, folder)  # noqa: F811
    panel.choose(module_bed.head())
    return panel


def answer(panel, text, installs=True):  # noqa: F811
    """Let the user answer the question; a yes makes the setup complete."""
    dependencies, asked = panel.module.setup.dependencies, []

    def install(parent=None, callback=None):
        asked.append(dependencies.question(dependencies.health.missing))
        if text == "no":
            return InstallResult("declined", "Nothing was installed.")
        dependencies._process.command = module_bed.says(module_bed.HEALTH_LINE if installs else BROKEN_LINE)
        dependencies.check(callback)
        return InstallResult("installed", "Installed: PyTorch.")

    dependencies.install = install
    return asked


def test_the_state_of_the_setup_is_told(panel):  # noqa: F811
    assert "ready" in panel.ui.setupCollapsibleButton.text
    assert "PyTorch 2.7.1" in panel.ui.setupSummaryLabel.text
    assert "Test GPU" in panel.ui.setupDetailsLabel.text and "fastest" in panel.ui.setupDetailsLabel.text
    assert not panel.ui.setupInstallButton.enabled and panel.ui.setupSelfTestButton.enabled
    devices = [panel.ui.deviceComboBox.itemText(index) for index in range(panel.ui.deviceComboBox.count)]
    assert any("Test GPU" in title for title in devices)


def test_apply_asks_once_and_goes_on(bare):
    bare.until(lambda: "missing" in bare.ui.setupCollapsibleButton.text)
    asked = answer(bare, "yes")
    bare.apply()
    assert bare.wait().state == "done"
    assert len(asked) == 1 and "PyTorch" in asked[0]
    bare.run()
    assert len(asked) == 1


def test_a_no_leaves_a_working_panel(bare):
    bare.until(lambda: "missing" in bare.ui.setupCollapsibleButton.text)
    answer(bare, "no")
    bare.apply()
    bare.until(lambda: not bare.module.controller.busy)
    assert "Nothing was installed" in bare.notice
    assert module_bed.shown(bare.ui.noticeActionButton)
    assert bare.ui.applyButton.text == "Apply" and bare.ui.applyButton.enabled
    answer(bare, "yes")
    module_bed.press(bare.ui.noticeActionButton)
    bare.until(lambda: bare.module.setup.ready)
    assert bare.run().state == "done"


def test_apply_before_the_check_is_over_waits_and_never_pops_up(bare):
    asked = answer(bare, "yes")
    bare.apply()
    bare.until(lambda: not bare.module.controller.busy)
    assert not asked
    assert "Not installed yet: PyTorch" in bare.notice
    assert module_bed.shown(bare.ui.noticeActionButton) and bare.ui.noticeActionButton.text == "Install…"


def test_an_installation_that_fails_is_told(bare):
    bare.until(lambda: "missing" in bare.ui.setupCollapsibleButton.text)
    answer(bare, "yes", installs=False)
    bare.apply()
    bare.until(lambda: not bare.module.controller.busy)
    assert "Not installed yet" in bare.notice


def test_cancel_while_the_setup_is_checked(bare):
    bare.module.setup.dependencies._process.command = [sys.executable, "-c", "import time; time.sleep(30)"]
    bare.module.setup.dependencies.discard()
    bare.module.setup.dependencies.health = None
    bare.apply()
    bare.pump(timeout_s=1.0)
    module_bed.press(bare.ui.applyButton)
    assert not bare.module.controller.busy
    assert bare.ui.applyButton.text == "Apply"


def test_self_test_button(panel):  # noqa: F811
    told = {**module_bed.HEALTH_LINE, "self_test": {"ok": True, "seconds": 0.7, "problem": ""}}
    panel.module.setup.dependencies._process.command = module_bed.says(told)
    module_bed.press(panel.ui.setupSelfTestButton)
    assert module_bed.shown(panel.ui.setupProgressBar)
    panel.until(lambda: "Self-test passed" in panel.ui.setupDetailsLabel.text)


class Models(ModelManager):
    """Models whose download and import end as told."""

    def __init__(self, panel, line):  # noqa: F811
        super().__init__(EngineProcess(module_bed.says(line)))
        self.asked = []

    def _start(self, arguments, *callbacks):
        self.asked.append(arguments)
        super()._start(arguments, *callbacks)


def use(panel, line):  # noqa: F811
    panel.module.model.manager = Models(panel, line)
    return panel.module.model.manager


def row_of(panel, title):  # noqa: F811
    table = panel.ui.modelTable
    return next(row for row in range(table.rowCount) if title in table.item(row, 0).text())


def select(panel, title):  # noqa: F811
    row = row_of(panel, title)
    panel.ui.modelTable.selectRow(row)
    panel.ui.modelTable.cellClicked.emit(row, 0)


def test_models_are_listed_with_what_they_can_do(panel):  # noqa: F811
    text = panel.ui.modelDescriptionLabel.text
    assert "contrasts, anatomy, cortex, bias field, atlas" in text
    assert "Apache-2.0" in text and "Trained on" in text
    assert panel.ui.modelTable.item(row_of(panel, "compact"), 1).text() == "Ready"
    assert panel.ui.modelTable.item(row_of(panel, "published"), 1).text() == "Not here"
    assert not panel.ui.modelDeleteButton.enabled


@pytest.mark.parametrize(
    ("size", "text"), [(0, ""), (40, "1 kB"), (31_500, "32 kB"), (8_300_000, "8 MB"), (1_420_000_000, "1.4 GB")]
)
def test_the_size_of_a_model_is_told(panel, size, text):  # noqa: F811
    model = panel.module.model
    row = dataclasses.replace(model.manager.list()[0], title="Tiny", sizeBytes=size)
    model.manager.list = lambda: [row]
    model.refresh()
    assert panel.ui.modelTable.item(0, 2).text() == text


def test_a_model_that_is_not_here_cannot_be_run(panel):  # noqa: F811
    panel.choose(module_bed.head())
    select(panel, "published")
    assert panel.module.parameters.model == "brainfm"
    assert not panel.ui.applyButton.enabled and "download or import" in panel.ui.statusLabel.text
    assert panel.ui.modelDownloadButton.enabled
    select(panel, "compact")
    assert panel.ui.applyButton.enabled


@pytest.mark.parametrize("yes", [False, True])
def test_nothing_is_downloaded_without_a_yes(panel, yes):  # noqa: F811
    manager = use(panel, {"event": "done", "code": 0, "results": [], "seconds": 1.0})
    asked = []
    panel.module.model.ask = lambda text: asked.append(text) or yes
    select(panel, "published")
    module_bed.press(panel.ui.modelDownloadButton)
    assert "Licence" in asked[0] and "huggingface" in asked[0] and "1.1 GB" in asked[0]
    panel.until(lambda: not manager.busy)
    assert bool(manager.asked) == yes
    assert not module_bed.shown(panel.ui.modelProgressFrame)


def test_a_download_that_fails_is_told_with_a_way_out(panel):  # noqa: F811
    hint = "Check the network and try again, or get x.pth elsewhere and import it with: brainfm models import x.pth"
    line = {"event": "error", "input": "brainfm", "code": 3, "message": "no network", "hint": hint}
    manager = use(panel, line)
    end = 'import sys; print(\'{"event": "done", "code": 3, "results": []}\'); sys.exit(3)'
    manager._engine.command = [*module_bed.says(line)[:2], f"{module_bed.says(line)[2]}; {end}"]
    panel.module.model.ask = lambda text: True
    select(panel, "published")
    module_bed.press(panel.ui.modelDownloadButton)
    panel.until(lambda: panel.notice)
    assert "No network" in panel.notice and "brainfm models" not in panel.notice.replace(hint, "")
    assert module_bed.shown(panel.ui.noticeCopyButton)


def test_a_download_can_be_cancelled(panel):  # noqa: F811
    manager = use(panel, {})
    manager._engine.command = [sys.executable, "-c", "import time; time.sleep(30)"]
    panel.module.model.ask = lambda text: True
    select(panel, "published")
    module_bed.press(panel.ui.modelDownloadButton)
    assert panel.ui.modelDownloadButton.text == "Cancel" and module_bed.shown(panel.ui.modelProgressFrame)
    assert not panel.ui.modelImportButton.enabled
    module_bed.press(panel.ui.modelDownloadButton)
    panel.until(lambda: not manager.busy)
    assert panel.ui.modelDownloadButton.text == "Download…" and not panel.notice


def test_an_imported_model_is_chosen(panel, tmp_path):  # noqa: F811
    result = {"input": "x.pth", "code": 0, "folder": str(tmp_path / "compact")}
    (tmp_path / "compact").mkdir()
    manager = use(panel, {"event": "done", "code": 0, "results": [result], "seconds": 1.0})
    panel.module.parameters.model = "brainfm"
    panel.module.model.importFile(tmp_path / "x.pth")
    panel.until(lambda: not manager.busy)
    assert panel.module.parameters.model == "compact"
    assert manager.asked[0][:2] == ["models", "import"]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A model of the user's own, "mine"."""
    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path / "home"))
    place = store.models_folder() / "mine"
    shutil.copytree(store.bundled_folder() / "compact", place)
    about = place / "model.json"
    about.write_text(about.read_text(encoding="utf-8").replace('"BrainFM compact"', '"My own"'), encoding="utf-8")
    return place


@pytest.mark.parametrize("yes", [False, True])
def test_a_model_is_deleted_when_the_user_says_so(panel, installed, yes):  # noqa: F811
    panel.choose(module_bed.head())
    panel.module.model.refresh()
    select(panel, "My own")
    assert panel.module.parameters.model == "mine" and panel.ui.modelDeleteButton.enabled
    asked = []
    panel.module.model.ask = lambda text: asked.append(text) or yes
    module_bed.press(panel.ui.modelDeleteButton)
    assert "My own" in asked[0] and installed.exists() == (not yes)
    assert panel.module.parameters.model == ("compact" if yes else "mine")
    assert panel.ui.applyButton.enabled
    titles = [panel.ui.modelTable.item(row, 0).text() for row in range(panel.ui.modelTable.rowCount)]
    assert ("My own" in titles) == (not yes)


def test_the_folder_of_the_models_is_opened(panel, installed, dialogs):  # noqa: F811
    module_bed.press(panel.ui.modelFolderButton)
    assert dialogs.opened == [installed.parent.as_uri()]


def test_tasks_that_a_model_does_not_offer_are_switched_off(panel):  # noqa: F811
    panel.choose(module_bed.head())
    rows = panel.module.model._rows
    panel.module.model._rows = [dataclasses.replace(row, tasks=("t1", "seg")) for row in rows]
    panel.module.tasks.setOffered(panel.module.model.tasksOf("compact"))
    assert panel.ui.contrastsCheckBox.enabled and panel.ui.anatomyCheckBox.enabled
    assert not panel.ui.biasCheckBox.enabled and "does not offer" in panel.ui.biasCheckBox.toolTip
    assert panel.module.request().tasks() == ["t1", "seg"]
    panel.ui.contrastsCheckBox.checked = panel.ui.anatomyCheckBox.checked = False
    assert not panel.ui.applyButton.enabled


def test_outcomes_carry_details():
    assert Outcome("failed", message="a", hint="b").details
