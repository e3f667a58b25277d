"""What `brainfm recipes answer` does: one JSON object a line for each request, until standard input ends.

A request has "request" (any name, given back), "recipe" and "preset", and may have "changes" (path -> value, a model as
"start.model"), "follow", "describe", and "save" (a file) with "overwrite". The answer is an event "recipe" or "error".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainFMEngine import __version__
from BrainFMEngine.cli.reporting import PROTOCOL_VERSION, as_explained, explain, write_line
from BrainFMEngine.errors import UsageError, nearest_name
from BrainFMEngine.parent import read_blocks

if TYPE_CHECKING:
    from BrainFMEngine.training.recipe import Recipe

KEYS = {
    "request": (str, int, type(None)),
    "recipe": (str,),
    "preset": (str,),
    "changes": (dict,),
    "follow": (bool,),
    "describe": (bool,),
    "save": (str,),
    "overwrite": (bool,),
}
MAX_LINE_BYTES = 1 << 20


def run_answers(descriptor: int = 0) -> int:
    """Answer until standard input ends or says "stop"; return the exit code.

    Args:
        descriptor: file descriptor that requests are read from.
    """
    stream = sys.stdout
    try:
        with redirect_stdout(sys.stderr):
            import BrainFMEngine.training.recipe_fields
            import BrainFMEngine.training.recipes  # noqa: F401  loads PyTorch before anything is asked

            _send(stream, {"event": "ready", "protocol": PROTOCOL_VERSION, "version": __version__})
            for line in _lines(descriptor):
                if line.strip().lower() == b"stop":
                    break
                if line.strip():
                    _send(stream, _answer(line))
    except (OSError, ValueError):  # nobody listens any more
        return 0
    except Exception as error:  # every error ends as a sentence
        return explain(error)
    return 0


def _send(stream: Any, values: dict[str, Any]) -> None:
    write_line(stream, json.dumps(values))


def _lines(descriptor: int) -> Iterator[bytes]:
    begun = b""
    for block in read_blocks(descriptor):
        *complete, begun = (begun + block).split(b"\n")
        yield from complete
        if len(begun) > MAX_LINE_BYTES:
            begun = b"{"  # too long: what is left of it is no JSON
    yield begun


def _answer(line: bytes) -> dict[str, Any]:
    name = None
    try:
        request = _parsed(line)
        name = request.get("request")
        return {"event": "recipe", "request": name, **_found(request)}
    except Exception as error:  # one wrong request ends nothing
        explained = as_explained(error)
        about = {"event": "error", "request": _name(line) if name is None else name, "code": explained.code}
        return {**about, "message": explained.message, "hint": explained.hint}


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError("a request is not JSON", " ".join(str(error).split())) from error
    if not isinstance(request, dict):
        raise UsageError("a request is a table of values")
    for key, value in request.items():
        if key not in KEYS:
            raise UsageError(f"unknown key {key!r} in a request", nearest_name(key, KEYS))
        if not isinstance(value, KEYS[key]):
            raise UsageError(f"{key!r} of a request cannot be {value!r:.40}")
    return request


def _name(line: bytes) -> Any:
    """Return the name of a request that is wrong, None if it has none."""
    try:
        return json.loads(line)["request"]
    except Exception:  # whatever it is, it has no name
        return None


def _found(request: dict[str, Any]) -> dict[str, Any]:
    from BrainFMEngine.generator.record import to_record
    from BrainFMEngine.training.recipe import recipe_hash, with_values
    from BrainFMEngine.training.recipe_fields import describe_recipe
    from BrainFMEngine.training.recipe_follow import follow
    from BrainFMEngine.training.recipes import find_recipe

    base = find_recipe(request.get("recipe", "brainfm"), request.get("preset", "compact"))
    given = request.get("changes", {})
    changes = follow(base, given) if request.get("follow", True) else given
    recipe = with_values(base, changes) if changes else base
    answer = {
        "recipe": to_record(recipe),
        "sha256": recipe_hash(recipe),
        "followed": {path: value for path, value in changes.items() if given.get(path, _MISSING) != value},
        "needs_model": base.start.required,
        "needs_ages": recipe.needs_ages,
    }
    if request.get("describe"):
        answer |= describe_recipe(base)
    if "save" in request:
        answer["saved"] = _save(Path(request["save"]), recipe, request.get("overwrite", False))
    return answer


_MISSING = object()


def _save(path: Path, recipe: Recipe, overwrite: bool) -> str:
    from BrainFMEngine.training.run_recipe import write_recipe

    write_recipe(path, recipe, overwrite)
    return str(path.absolute())
