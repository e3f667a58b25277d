"""A stand-in for `brainfm train`, `prepare --check` and `preview`: the same files, the same JSON lines, no network.

`train_worker.py [OPTIONS] train DATASET -o RUN ...`; options stand first:
    --delay S     seconds a step (default 0.02)
    --refuse      as if another process trained in the folder
    --nan-at N    fails at this step, with the engine's sentence
    --little      the estimate needs more memory than there is
    --crash       "preview" ends in the middle
    --deaf        does not stop when asked to
    --without T   "preview" does not know this target
    --problems    the check finds a subject that cannot be used
The run's folder, lock and stop request are the engine's own (`BrainFMEngine.training.run_folder`), which need no torch.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import struct
import sys
import threading
import time
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the engine's environment leaves the script's folder out
import recipe_answers
from BrainFMEngine.errors import BrainFMError, UsageError
from BrainFMEngine.parent import start_own_session, wait_for_stop
from BrainFMEngine.training.logbook import Logbook
from BrainFMEngine.training.run_folder import STOP_NAME, RunFolder
from stub_samples import sample_files, sample_parameters

DEFAULT_STEPS, VALIDATE_EVERY = 20, 10


def send(event: str, **values) -> None:
    """Print an event; nobody need listen."""
    try:
        sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w")


def train(options: argparse.Namespace) -> int:
    """Do as if: a falling loss, a heartbeat, a checkpoint's step at the end."""
    folder, steps = options.output, int(options.changes.get("steps", DEFAULT_STEPS))
    if options.refuse:
        raise UsageError(
            f"{folder} is in use for training by process 7 on another", "Stop it, or choose another folder."
        )
    asked = threading.Event()
    if options.stdin:
        threading.Thread(target=lambda: (wait_for_stop(), asked.set()), daemon=True).start()
    if options.resume:
        steps = json.loads((folder / "run.json").read_text())["steps"]
    make = RunFolder.attach if options.resume else RunFolder.create
    with make(folder, "stand-in", steps, dataset=options.source) as run:
        first = run.before.step if run.before else 0
        with Logbook(folder, first, tensorboard=False) as log:
            run.update("running")
            run.watch(lambda: {"cpu_percent": 42.0, "rss_bytes": 1.5e9, "device_bytes": None})
            for step in range(first + 1, steps + 1):
                if not options.deaf and (asked.is_set() or (folder / STOP_NAME).exists()):
                    run.end("stopped", "it was asked to stop")
                    (folder / "model").mkdir(exist_ok=True)
                    return step - 1
                if step == options.nan_at:
                    raise UsageError("the loss was not finite three times", "Lower the learning rate.")
                loss = 3 * math.exp(-step / 40) + 0.3 + 0.1 * math.sin(step)
                values = {"loss": loss, "T1": loss / 3, "seg_dice": loss / 2, "lr": 5e-4, "norm": 1.0, "subject": "a"}
                log.log(step, {**values, "seconds": options.delay, "waited": 0.0, "skipped": 0})
                run.update(step=step)
                if step % VALIDATE_EVERY == 0:
                    scores = {"loss": loss * 1.1, "seg/mean Dice": 1 - loss / 4, "T1/SSIM in brain": 1 - loss / 5}
                    log.validation(step, scores, best=True)
                    write_picture(folder / "pictures" / f"step-{step:08d}.png", step)
                send("step", step=step, steps=steps, **values)
                time.sleep(options.delay)
    (folder / "model").mkdir(exist_ok=True)
    return steps


def write_picture(path: Path, step: int) -> None:
    """A grey PNG file, darker with every step."""
    width, height = 64, 32
    rows = (b"\0" + bytes([250 - step % 200]) * (3 * width)) * height
    parts = ((b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in (*parts, (b"IEND", b"")):
        data += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".tmp").write_bytes(data)
    path.with_suffix(".tmp").replace(path)


def estimate(options: argparse.Namespace) -> dict:
    """What the engine would tell."""
    needed = 900_000_000_000 if options.little else 2_000_000_000
    values = {"parameters": 5_300_000, "step_bytes": needed, "free_bytes": 8_000_000_000}
    return {"estimate": {**values, "checkpoint_bytes": 60_000_000, "disk_bytes": 240_000_000}}


def check(options: argparse.Namespace) -> list[dict]:
    """What a check of three subjects says."""
    names = sorted(path.stem for path in (options.source / "subjects").glob("*.json"))
    for index, name in enumerate(names):
        fraction = index / len(names)
        send("progress", input=str(options.source), stage=f"checking {name}", fraction=fraction, total=fraction)
    if options.problems:
        hint = "Prepare it again."
        send("error", input="", code=2, message=f"{names[0]}: its left and right are exchanged", hint=hint)
        send("warning", input="", message="no subject is for validation")
    return [{"input": name, "code": 2 * (options.problems and name == names[0]), "folder": None} for name in names]


def preview(options: argparse.Namespace) -> None:
    """Answer requests until standard input ends; or say what can be asked for."""
    if options.describe:
        send(**json.loads((Path(__file__).parent / "description.json").read_text(encoding="utf-8")))
        return
    send("ready", protocol=1, version="stand-in", pid=os.getpid())
    for line in sys.stdin:
        asked = json.loads(line)
        if "cancel" in asked:
            continue
        about, count = {"request": asked["request"]}, asked["samples"]
        if options.crash:
            os._exit(3)
        if "save_recipe" in asked:
            Path(asked["save_recipe"]).write_text(json.dumps(asked))
            send("done", **about, recipe=asked["save_recipe"])
            continue
        if "export" in asked:
            send("done", **about, folder=asked["export"], files=[])
            continue
        folder = Path(asked["folder"])
        if asked.get("anatomy") and not Path(asked["anatomy"]).exists():
            send("error", **about, code=3, message=f"there is no {asked['anatomy']}", hint="Choose another file.")
            continue
        folder.mkdir()
        for index in range(count):
            given = asked["severity"]
            severity = given if isinstance(given, float) else (index + 1) / count
            send("progress", **about, stage="making samples", fraction=index / count)
            known = [name for name in asked.get("targets", []) if name != options.without]
            files = sample_files(folder, index, asked["seed"], known)
            drawn = {"summary": "painted; noise", "parameters": sample_parameters(index, severity)}
            send("sample", **about, index=index, severity=severity, **drawn, files=files)
        send("done", **about, samples=count)


def parse(words: list[str]) -> argparse.Namespace:
    """Read the options of the stand-in and those of the engine that it knows."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--delay", type=float, default=0.02)
    parser.add_argument("--nan-at", type=int, default=0)
    parser.add_argument("--without", default="")
    for name in ("refuse", "little", "problems", "resume", "stdin", "estimate", "check", "crash", "describe", "deaf"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("command")
    parser.add_argument("source", type=Path, nargs="?")
    options, _others = parser.parse_known_args(words)
    options.changes = dict(change.split("=", 1) for change in options.set)
    return options


def main(words: list[str]) -> int:
    """Behave as told."""
    start_own_session()
    options = parse(words)
    send("start", protocol=1, version="stand-in")
    code, result = 0, {}
    try:
        if options.command == "recipes":
            recipe_answers.answer()
            return 0
        if options.command == "preview":
            preview(options)
            return 0
        if options.command == "prepare":
            result["results"] = check(options)
            code = 2 if options.problems else 0
        elif options.estimate:
            result = estimate(options)
        else:
            result["step"] = train(options)
    except BrainFMError as error:
        code = error.code
        send("error", code=code, message=error.message, hint=error.hint)
    except OSError as error:
        code = 3
        send("error", code=code, message=f"cannot read or write {error.filename}: {error.strerror}", hint="")
    send("done", code=code, seconds=0.1, **result)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
