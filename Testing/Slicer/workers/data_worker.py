"""A stand-in for `brainfm prepare` and `brainfm dataset`: the same files, the same JSON lines, no image is read.

`data_worker.py [OPTIONS] prepare SOURCE -o DATASET ...`; options stand first:
    --delay S     seconds a stage (default 0.01)
    --problems    the check finds a subject that cannot be used
    --warnings N  it has so many doubts about the second subject
    --damaged N   the subject of that name cannot be drawn
    --fail N      the subject of that name cannot be prepared
    --full        the disk is full at the second subject
Splits are changed by the engine's own functions, which need no torch.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import time
import zlib
from pathlib import Path

from BrainFMEngine.dataset.folder import DatasetFolder
from BrainFMEngine.dataset.sources import find_subjects, recognise_layout
from BrainFMEngine.dataset.split_edit import PLACES, move_subjects, read_moves
from BrainFMEngine.errors import BrainFMError, FileAccessError, InputImageError
from BrainFMEngine.parent import start_own_session

STAGES = ("aligning images", "registering with the atlas", "writing")


def send(event: str, **values) -> None:
    """Print an event."""
    sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


def tiny_png(grey: int) -> bytes:
    """A picture of 60 x 40 pixels of one grey."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([grey]) * 60 for _ in range(40))
    header = struct.pack(">IIBBBBB", 60, 40, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def picture(options: argparse.Namespace) -> list[dict]:
    """Draw a subject; the grey is the length of its name."""
    time.sleep(options.delay)
    if options.name == options.damaged:
        raise InputImageError(f"{options.name}.npz is damaged", "Prepare the subject again.")
    options.output.write_bytes(tiny_png(20 * len(options.name)))
    send("output", input=str(options.source), kind="picture", path=str(options.output))
    return []


def split(options: argparse.Namespace) -> list[dict]:
    """Change the split."""
    time.sleep(options.delay)
    now = move_subjects(options.source, read_moves(options.file))
    send("split", **{place: getattr(now, place) for place in PLACES})
    return []


def look(options: argparse.Namespace) -> list[dict]:
    """Tell what a source holds."""
    sources = find_subjects(options.source, options.layout)
    layout = recognise_layout(options.source) if options.layout == "auto" else options.layout
    labels = sum(source.labels is not None for source in sources)
    t1 = sum("T1" in source.images for source in sources)
    send("source", layout=layout, subjects=len(sources), labels=labels, contrasts={"T1": t1} if t1 else {})
    return []


def check(options: argparse.Namespace) -> list[dict]:
    """Look at every subject."""
    dataset = DatasetFolder(options.source)
    names = dataset.names()
    for index, name in enumerate(names):
        fraction = index / len(names)
        send("progress", input=str(options.source), stage=f"checking {name}", fraction=fraction, total=fraction)
        time.sleep(options.delay)
        dataset.require()
    gib = 1 << 30
    send("needs", subjects=3 * gib, memory_free=8 * gib, dataset=gib, disk_free=90 * gib, presets=[])
    if options.problems:
        send(
            "error", input="", code=2, message=f"{names[0]}: its left and right are exchanged", hint="Prepare it again."
        )
        send("warning", input="", message="no subject is for validation")
    for number in range(options.warnings):
        send("warning", input="", message=f"{names[1]}: doubt {number}")
    return [{"input": name, "code": 2 * (options.problems and name == names[0]), "folder": None} for name in names]


def prepare(options: argparse.Namespace) -> list[dict]:
    """Write the small files of a data set; what is there is kept."""
    sources = find_subjects(options.source, options.layout)
    folder, results, failed = options.output, [], {}
    (folder / "subjects").mkdir(parents=True, exist_ok=True)
    facts = {"format_version": 1, "protocol": options.protocol, "licences": {"C": options.licence}}
    (folder / "dataset.json").write_text(json.dumps(facts))
    for index, source in enumerate(sources):
        file, state = folder / "subjects" / f"{source.name}.json", "prepared"
        if options.full and index == 1:
            raise FileAccessError(f"cannot write {file}: No space left on device", "Check free disk space.")
        for number, stage in enumerate(STAGES):
            fraction = number / len(STAGES)
            total = (index + fraction) / len(sources)
            send("progress", input=source.name, stage=stage, fraction=fraction, total=total)
            time.sleep(0 if file.exists() else options.delay)
        if source.name == options.fail:
            state, failed[source.name] = "failed", {"message": "its labels are not known", "hint": ""}
            send("error", input=source.name, code=2, message="its labels are not known", hint="")
        elif file.exists():
            state = "kept"
        else:
            info = {
                "name": source.name,
                "collection": "C",
                "person": source.person,
                "sources": {},
                "scheme": "freesurfer",
            }
            file.write_text(json.dumps(info | {"shape": [40, 40, 40], "targets": ["distance"]}))
        results.append({"input": source.name, "code": 2 * (state == "failed"), "folder": None, "state": state})
    names = sorted(path.stem for path in (folder / "subjects").glob("*.json"))
    (folder / "split.json").write_text(json.dumps({"train": names[:-1], "validation": names[-1:], "test": []}))
    if failed:
        (folder / "failed.json").write_text(json.dumps(failed))
    return results


def parse(words: list[str]) -> argparse.Namespace:
    """Read the options of the stand-in and those of the engine that it knows."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--delay", type=float, default=0.01)
    parser.add_argument("--warnings", type=int, default=0)
    for name in ("damaged", "fail"):
        parser.add_argument(f"--{name}", default="")
    for name in ("problems", "full", "check", "list"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--layout", default="auto")
    parser.add_argument("--licence", default="")
    parser.add_argument("--protocol", default="compact-40")
    parser.add_argument("words", nargs="+")
    options, _others = parser.parse_known_args(words)
    options.work = {"picture": picture, "split": split}.get(options.words[1], prepare)
    if options.words[0] == "prepare":
        options.work = look if options.list else check if options.check else prepare
    names = options.words[1:] if options.words[0] == "prepare" else options.words[2:]
    options.source, options.name = Path(names[0]), names[-1]
    return options


def main(words: list[str]) -> int:
    """Behave as told."""
    start_own_session()
    options = parse(words)
    send("start", protocol=1, version="stand-in")
    code, results = 0, []
    try:
        results = options.work(options)
        code = max((result["code"] for result in results), default=0)
    except BrainFMError as error:
        code = error.code
        send("error", input=str(options.source), code=code, message=error.message, hint=error.hint)
    send("done", code=code, seconds=0.1, results=results)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
