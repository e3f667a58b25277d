"""A stand-in for `brainfm recipes answer`: two recipes, a handful of fields, the same JSON lines, no PyTorch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

NUMBERS = {"steps": 20_000, "samples": 1, "accumulation": 1, "saving.every": 100, "validation.every": 500, "seed": 1}
SECTIONS = ({"name": "", "title": "Training"}, {"name": "objective", "title": "Objective"})


def answer(stream=sys.stdin) -> None:
    """Answer until standard input ends."""
    _send({"event": "ready", "protocol": 1, "version": "stand-in"})
    for line in stream:
        asked = json.loads(line)
        _send({"request": asked["request"], **_answer(asked)})


def _answer(asked: dict) -> dict:
    changes, preset = dict(asked.get("changes", {})), asked.get("preset", "compact")
    if asked["recipe"].endswith(".json"):
        record = json.loads(Path(asked["recipe"]).read_text())
        preset, changes = record["preset"], {**record["changes"], **changes}
    fields = _fields(asked["recipe"], preset)
    for path, value in changes.items():
        if path not in [field["path"] for field in fields]:
            return _error(f"unknown key {path!r}", "Did you mean 'steps'?")
        if path == "samples" and value < 1:
            return _error(f"'samples' is {value}", "Give 1 or more.")
    found = {"event": "recipe", "recipe": {"preset": preset, "changes": changes}, "sha256": "0" * 64}
    found |= {"needs_model": asked["recipe"].startswith("adapt-"), "needs_ages": asked["recipe"] == "brain-age"}
    found["followed"] = {"schedule.decay_steps": changes["steps"] // 2} if "steps" in changes else {}
    if asked.get("describe"):
        found |= {"sections": SECTIONS, "fields": fields}
    if "save" in asked:
        Path(asked["save"]).write_text(json.dumps(found["recipe"]))
        found["saved"] = asked["save"]
    return found


def _fields(recipe: str, preset: str) -> list[dict]:
    model = "compact" if recipe.startswith("adapt-") and preset == "compact" else None
    steps = 20 if preset == "quick" else NUMBERS["steps"]
    numbers = [_field(path, "integer", value) for path, value in {**NUMBERS, "steps": steps}.items()]
    return [
        *numbers,
        _field("precision", "choice", "bf16", choices=["fp32", "bf16", "fp16"]),
        _field("generator.shape", "integer", [128, 160, 128], length=3),
        _field("optimizer.learning_rate", "number", 5e-4),
        _field("validation.patience", "integer", None, optional=True, otherwise="none"),
        _field("schedule.decay_steps", "integer", steps // 2),
        _field("checkpointing", "boolean", False),
        _field("start.model", "text", model, optional=True, otherwise="none"),
        _field("data.ages", "text", None, optional=True, otherwise="none"),
        _field("objective.weights.T1", "number", 5.0, section="objective", table="Weights", title="T1", optional=True),
    ]


def _field(path: str, kind: str, value, **more) -> dict:
    known = {"section": "", "table": "", "title": path, "unit": "", "help": f"What {path} means.", "length": None}
    rest = {"optional": False, "choices": [], "minimum": None, "maximum": None, "otherwise": ""}
    return {"path": path, "kind": kind, "value": value, **known, **rest, **more}


def _error(message: str, hint: str) -> dict:
    return {"event": "error", "code": 2, "message": message, "hint": hint}


def _send(values: dict) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
