"""“Use in BrainFM” by its parts: which weights are taken, and what they are called."""

import pytest
from BrainFMLib.ModelManager import ModelManager
from BrainFMTrainLib.RunList import readRun
from BrainFMTrainLib.UseInBrainFM import UseInBrainFM, freeTitle, weightsOf

pytestmark = pytest.mark.scene


class Notices:
    """What the panel would say."""

    def __init__(self):
        self.said = []

    def clearNotice(self):
        self.said.clear()

    def notice(self, *words, **options):
        self.said.append(words)


class Engine:
    """Takes arguments, does nothing."""

    running = False

    def start(self, arguments):
        self.arguments = arguments


def test_a_run_that_died_can_be_used_as_soon_as_it_has_weights(tmp_path):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    assert not readRun(run).hasModel and weightsOf(run) == run
    (run / "checkpoints" / "last.pt").write_bytes(b"")
    assert readRun(run).hasModel
    assert weightsOf(tmp_path / "cleaned") == tmp_path / "cleaned" / "model"


def test_titles_that_are_taken_get_a_number():
    assert freeTitle("Mine", ["Other"]) == "Mine"
    assert freeTitle("Mine", ["Mine", "Mine 2"]) == "Mine 3"


@pytest.mark.parametrize(
    ("title", "name"),
    [("Ben's net, v1.2", "ben-s-net-v1-2"), ("BrainFM compact", "brainfm-compact-2"), ("脑", "model")],
)
def test_any_title_gives_a_name_that_a_folder_can_have(tmp_path, monkeypatch, title, name):
    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path))
    engine = Engine()
    use = UseInBrainFM(ModelManager(engine), Notices())
    use.install(tmp_path / "run", title)
    words = engine.arguments
    assert words[words.index("--name") + 1] == name
    assert words[words.index("--title") + 1] == ("BrainFM compact 2" if title == "BrainFM compact" else title)


def test_a_long_title_is_cut_to_what_a_list_can_show(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path))
    engine = Engine()
    UseInBrainFM(ModelManager(engine), Notices()).install(tmp_path / "run", "x" * 300)
    assert engine.arguments[engine.arguments.index("--title") + 1] == "x" * 80


def test_nothing_happens_without_a_title(tmp_path, monkeypatch, dialogs, scene):
    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path))
    engine, notices = Engine(), Notices()
    use = UseInBrainFM(ModelManager(engine), notices)
    dialogs.answer("", "  ")
    use.ask(tmp_path / "run")
    use.ask(tmp_path / "run")
    assert not hasattr(engine, "arguments") and not notices.said
