"""Under which licences the data of a dataset are: told by the user, or by the source itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from BrainFMEngine.dataset.files import write_json
from BrainFMEngine.dataset.folder import HEADER, DatasetFolder
from BrainFMEngine.dataset.in_use import PREPARE_LOCK
from BrainFMEngine.folder_lock import FolderLock
from BrainFMEngine.generator.record import to_record

BIDS_DESCRIPTION = "dataset_description.json"


def licence_of_source(source: Path) -> str:
    """Return the licence that a BIDS folder states; "" if it states none."""
    with suppress(OSError, ValueError, AttributeError):
        text = json.loads((source / BIDS_DESCRIPTION).read_bytes()).get("License")
        return text.strip() if isinstance(text, str) else ""
    return ""


def record_licence(folder: Path, collections: Iterable[str], licence: str) -> None:
    """Note the licence of collections in `dataset.json`; those of other collections stay.

    Raises:
        UsageError: the dataset is being prepared.
        FileAccessError: it cannot be read or written.
    """
    told = dict.fromkeys(collections, licence)
    if not licence or not told:
        return
    with FolderLock(folder / PREPARE_LOCK, "preparation"):
        header = DatasetFolder(folder).header
        if {**header.licences, **told} != header.licences:
            write_json(folder / HEADER, to_record(replace(header, licences={**header.licences, **told})))
