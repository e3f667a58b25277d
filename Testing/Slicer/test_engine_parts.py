"""What lies beneath the engine's process, without Qt: lines, log, outcome, command, and the tree of processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from BrainFMLib import EngineCommand, LineReader, ProcessTree, RunLog, RunOutcome
from BrainFMLib.LineReader import eventOf, textOf
from BrainFMLib.RunOutcome import RunFacts, outcomeOf

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and sessions")


def lines_of(reader, seconds=1.0) -> list[bytes]:
    return list(reader.lines(seconds))


class TestLineReader:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
    def test_lines_come_out_however_the_bytes_come_in(self, size):
        text = "eins\n\nzwei ü\r\n脑\nlast".encode()
        reader = LineReader.LineReader()
        found = []
        for start in range(0, len(text), size):
            reader.add(text[start : start + size])
            found += lines_of(reader)
        assert found == text.split(b"\n")[:-1]
        reader.end()
        assert lines_of(reader) == [b"last"] and not reader.busy and reader.lost == 0

    def test_a_line_that_is_too_long_is_left_out(self):
        reader = LineReader.LineReader()
        for _each in range(40):
            reader.add(b"x" * 100_000)
            assert lines_of(reader) == []
        reader.add(b"\nafter\n")
        assert lines_of(reader) == [b"after"]
        assert reader.lost == 4_000_000

    def test_what_is_not_read_is_lost_from_the_front(self):
        reader = LineReader.LineReader()
        count = 200
        for number in range(count):
            reader.add(b"%d " % number + b"y" * 99_990 + b"\n")
        found = [int(line.split()[0]) for line in lines_of(reader, 10)]
        assert found and found == list(range(found[0], count)) and found[0] > 0
        assert reader.lost + sum(len(b"%d " % n) + 99_991 for n in found) == pytest.approx(20e6, rel=0.02)

    def test_time_is_kept(self):
        reader = LineReader.LineReader()
        reader.add(b"short\n" * 300_000)
        started = time.perf_counter()
        for _line in reader.lines(0.01):
            time.sleep(0.002)
        assert time.perf_counter() - started < 2.0 and reader.busy
        assert len(lines_of(reader, 10)) > 250_000

    def test_events(self):
        assert eventOf(b'{"event": "done", "code": 0}\r') == {"event": "done", "code": 0}
        for text in (b"", b"text", b"{", b"{}", b"[1]", b'{"event": 1}', b'"event"', b'{"a":' * 100_000, b"{\xff}"):
            assert eventOf(text) is None

    def test_text(self):
        assert textOf(b"10%\r20%\r30%\r") == "30%" and textOf(b"\xff\xfe a ") == "\ufffd\ufffd a" and textOf(b"") == ""


class TestRunLog:
    def test_last_lines_and_new_lines(self):
        log = RunLog.RunLog()
        for number in range(1000):
            log.add(str(number))
        log.add("")
        assert log.text().splitlines() == [str(number) for number in range(1000 - RunLog.KEPT_LINES, 1000)]
        first, *others = log.takeNew().splitlines()
        assert first == f"[{1000 - RunLog.SHOWN_LINES} lines are not shown]" and others[-1] == "999"
        assert log.takeNew() == ""
        log.add("z" * 100_000)
        assert len(log.takeNew()) < RunLog.MAX_TEXT + 10

    def test_files_take_turns(self, tmp_path, monkeypatch):
        monkeypatch.setattr(RunLog, "FILE_BYTES", 10_000)
        log = RunLog.RunLog(tmp_path)
        for number in range(3000):
            log.add(f"line ü {number}")
        log.close()
        text = [(tmp_path / name).read_text(encoding="utf-8") for name in (RunLog.FORMER_NAME, RunLog.FILE_NAME)]
        assert all(len(part.encode()) < 10_100 for part in text)
        numbers = [int(line.rpartition(" ")[2]) for line in "".join(text).splitlines()]
        assert numbers == list(range(numbers[0], 3000))

    def test_a_flood_does_not_keep_the_disk_busy(self, tmp_path):
        log = RunLog.RunLog(tmp_path)
        for _each in range(20_000):
            log.add("x" * 1000)
        log.close()
        written = sum(path.stat().st_size for path in tmp_path.iterdir())
        assert written < 20e6 / 4

    def test_a_folder_that_cannot_be_written_to_harms_nobody(self, tmp_path):
        log = RunLog.RunLog(tmp_path / "missing")
        log.add("text")
        assert log.path is None and log.text() == "text"


class TestOutcome:
    def outcome(self, log="", **facts):
        return outcomeOf(RunFacts(**facts), 1.5, log)

    def test_a_launcher_that_hides_the_signal(self):
        """PythonSlicer ends with code 1 when the Python it started crashed."""
        says = "error: [/opt/bin/python-real] exit abnormally - Report the problem."
        crashed = self.outcome(f"Fatal Python error: Segmentation fault\n{says}", code=1)
        assert crashed.state == "crashed" and crashed.message == "The engine crashed"
        if os.name != "nt":
            killed = self.outcome(says, code=1)
            assert killed.state == "crashed" and "memory ran out" in killed.message

    @pytest.mark.parametrize("text", ["terminate called after throwing 'std::bad_alloc'", "CUDA out of memory"])
    def test_memory_is_named_where_the_log_tells(self, text):
        assert "memory ran out" in self.outcome(text, signalled=True, code=6).message

    def test_windows_codes(self, monkeypatch):
        monkeypatch.setattr(RunOutcome.sys, "platform", "win32")
        assert "0xc0000005" in self.outcome(signalled=True, code=-1073741819).message
        assert "memory ran out" in self.outcome(code=0xC0000017).message

    @pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 77])
    def test_a_bare_code_is_a_sentence(self, code):
        for facts in ({"code": code}, {"code": code, "final": {"event": "done", "code": code}}):
            outcome = self.outcome(**facts)
            assert outcome.state == "failed" and outcome.message and outcome.hint
            assert str(code) not in outcome.sentence

    def test_the_final_event_decides(self):
        done = {"event": "done", "code": 0, "results": [{"input": "a", "code": 0, "folder": None}, "rubbish"]}
        outcome = self.outcome(final=done, code=1)
        assert (outcome.state, outcome.code, len(outcome.results)) == ("done", 0, 1)
        assert self.outcome(final={"event": "done", "code": 130}, code=130).state == "cancelled"
        assert self.outcome(final={"event": "done", "code": 0, "results": None}).state == "done"

    def test_other_commands(self):
        assert self.outcome(finalEvent="").state == "done"
        assert self.outcome(finalEvent="health").state == "failed"
        facts = RunFacts(finalEvent="health")
        facts.note({"event": "health"})
        assert outcomeOf(facts, 0.0, "").state == "done"

    def test_cancelled_wins(self):
        assert self.outcome(cancelled=True, signalled=True, code=9).state == "cancelled"

    def test_facts_are_bounded(self):
        facts = RunFacts()
        for kind in ("warning", "error") * 1000:
            facts.note({"event": kind, "message": "again"})
        assert len(facts.warnings) == len(facts.errors) == RunOutcome.MAX_KEPT


class TestCommand:
    def test_python(self, monkeypatch, tmp_path):
        monkeypatch.delenv("BRAINFM_PYTHON", raising=False)
        monkeypatch.setattr(EngineCommand.shutil, "which", lambda name: None)
        assert EngineCommand.pythonExecutable() == sys.executable
        monkeypatch.setattr(EngineCommand.shutil, "which", lambda name: f"/opt/{name}")
        assert EngineCommand.engineCommand() == ["/opt/PythonSlicer", "-m", "BrainFMEngine"]
        monkeypatch.setenv("BRAINFM_PYTHON", "/my/python")
        assert EngineCommand.healthCommand()[0] == "/my/python" and EngineCommand.usesOwnPython()

    def test_the_engine_is_found_first(self, monkeypatch):
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["x", "", str(EngineCommand.engineFolder()), "x"]))
        paths = EngineCommand.engineEnvironment()["PYTHONPATH"].split(os.pathsep)
        assert paths == [str(EngineCommand.engineFolder()), "x"]
        assert (Path(paths[0]) / "BrainFMEngine" / "__main__.py").is_file()


@POSIX
class TestProcessTree:
    def family(self, session=False):
        code = (
            "import os, subprocess, sys, time, json\n"
            f"{'os.setsid()' if session else ''}\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
            "print(json.dumps([os.getpid(), child.pid]), flush=True)\n"
            "time.sleep(60)"
        )
        parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        return parent, json.loads(parent.stdout.readline())

    def alive(self, pids):
        return [pid for pid in pids if pid in ProcessTree.processTable()]

    def wait_until_gone(self, pids):
        deadline = time.monotonic() + 5
        while self.alive(pids) and time.monotonic() < deadline:
            time.sleep(0.01)
        return not self.alive(pids)

    def test_children_are_found_and_killed(self):
        parent, pids = self.family()
        assert ProcessTree.childrenOf(parent.pid) == [pids[1]]
        assert set(pids) <= set(ProcessTree.childrenOf(os.getpid()))
        ProcessTree.killTree(parent.pid)
        assert parent.wait(5) == -9 and self.wait_until_gone(pids)

    def test_an_orphan_is_found_by_its_session(self):
        parent, pids = self.family(session=True)
        tree = ProcessTree.ProcessTree(parent.pid)
        parent.kill()
        parent.wait()
        assert self.alive(pids) == [pids[1]]
        tree.rootEnded()
        tree.kill()
        assert self.wait_until_gone(pids)

    def test_an_orphan_is_found_if_it_was_seen_before(self):
        parent, pids = self.family()
        tree = ProcessTree.ProcessTree(parent.pid)
        tree.look()
        parent.kill()
        parent.wait()
        tree.rootEnded()
        tree.kill()
        assert self.wait_until_gone(pids)

    def test_a_number_that_is_used_again_is_spared(self, monkeypatch):
        parent, pids = self.family()
        tree = ProcessTree.ProcessTree(parent.pid)
        tree.look()
        table = {row.pid: ProcessTree.ProcessRow(row.pid, 1, row.session, "later") for row in tree.look()}
        tree.rootEnded()
        monkeypatch.setattr(ProcessTree, "processTable", lambda: table)
        tree.kill()
        monkeypatch.undo()
        assert self.alive(pids) == pids
        ProcessTree.killTree(parent.pid)
        parent.wait()

    def test_what_ps_says_is_the_same(self):
        """macOS has no /proc."""
        if not any(Path(folder, "ps").exists() for folder in os.get_exec_path()):
            pytest.skip("no ps here")
        parent, pids = self.family(session=True)
        rows = {row.pid: row for row in ProcessTree._rowsOfPs()}
        assert rows[pids[1]].parent == pids[0] and rows[pids[1]].session == pids[0]
        ProcessTree.killTree(parent.pid)
        parent.wait()

    @pytest.mark.parametrize("pid", [-1, 0, 1])
    def test_never_the_system_or_oneself(self, pid):
        with pytest.raises(ValueError):
            ProcessTree.ProcessTree(pid)
        ProcessTree.killTree(4_000_000)
        assert os.getpid() not in ProcessTree.childrenOf(os.getpid())


def test_windows_uses_its_own_tool(monkeypatch):
    started = []
    monkeypatch.setattr(ProcessTree.sys, "platform", "win32")
    monkeypatch.setattr(ProcessTree.subprocess, "Popen", lambda command, **_options: started.append(command))
    tree = ProcessTree.ProcessTree(4711)
    tree.kill()
    tree.rootEnded()
    tree.kill()
    assert started == [["taskkill", "/PID", "4711", "/T", "/F"]] and tree.look() == []
