"""What would this pickle call? Read from its opcodes, without running them. Torch-free.

Only exact (module, name) pairs that the authors' saving path writes are accepted, and only opcodes of protocol 2,
which that path uses; dotted names, later protocols and every other global are refused and named.
"""

from __future__ import annotations

import pickletools
from pathlib import Path

from BrainFMEngine.models.torch_zip import refusal

STORAGES = ("Float", "Half", "BFloat16", "Double", "Long", "Int", "Short", "Char", "Byte", "Bool")
ALLOWED_GLOBALS = frozenset(
    {
        ("collections", "OrderedDict"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("argparse", "Namespace"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
        *(("torch", f"{kind}Storage") for kind in STORAGES),
    }
)
_ALLOWED_OPCODES = frozenset(
    "PROTO STOP MARK GLOBAL REDUCE BUILD NEWOBJ BINPERSID NONE NEWTRUE NEWFALSE "
    "BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 "
    "EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS BINGET LONG_BINGET BINPUT LONG_BINPUT".split()
)


def check_pickle(path: Path, pickle_bytes: bytes) -> None:
    """Raise ModelFileError, naming the global or opcode, unless the pickle holds nothing but data."""
    try:
        _check_globals(path, pickle_bytes)
        _check_opcodes(path, pickle_bytes)
    except (ValueError, IndexError, OverflowError) as error:
        raise refusal(path, f"its pickle is damaged ({error})") from error


def _check_globals(path: Path, pickle_bytes: bytes) -> None:
    texts = ["?", "?"]
    for opcode, argument, _ in pickletools.genops(pickle_bytes):
        found = None
        if opcode.name in ("GLOBAL", "INST"):
            found = tuple(str(argument).split(" ", 1))
        elif opcode.name == "STACK_GLOBAL":
            found = tuple(texts)
        elif isinstance(argument, str):
            texts = [texts[1], argument]
        if found and found not in ALLOWED_GLOBALS:
            cause = f"contains code (global {'.'.join(found)})"
            raise refusal(path, cause, "Do not use this file; it is not a plain checkpoint.")


def _check_opcodes(path: Path, pickle_bytes: bytes) -> None:
    end = -1
    for opcode, _, position in pickletools.genops(pickle_bytes):
        if opcode.name not in _ALLOWED_OPCODES:
            raise refusal(path, f"its pickle uses {opcode.name}, which no checkpoint of the authors has")
        end = position or 0
    if end + 1 != len(pickle_bytes):
        raise refusal(path, "something follows its pickle")
