"""A table that names the files of every subject, for data of any other layout.

Columns: `name`, and as far as there are any `collection`, `person`, `labels`, `t1`, `t2`, `flair`, `ct`, `coordinates`,
`split`. Paths are relative to the table. `coordinates` is one file, several with `;` between them, or `atlas-space`
where the files lie in atlas space already.
"""

from __future__ import annotations

import csv
from pathlib import Path

from BrainFMEngine.dataset.source_subject import ATLAS_SPACE_WORD, SourceSubject, safe_name
from BrainFMEngine.dataset.split import PARTS
from BrainFMEngine.errors import FileAccessError, UsageError, nearest_name

SCANS = {"t1": "T1", "t2": "T2", "flair": "FLAIR", "ct": "CT"}
COLUMNS = ("name", "collection", "person", "labels", *SCANS, "coordinates", "split")


def find_in_table(table: Path) -> list[SourceSubject]:
    """Read the subjects of a CSV file.

    Raises:
        FileAccessError: it cannot be read.
        UsageError: an unknown column, a line without a name, or a part of the split that does not exist.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            for column in reader.fieldnames or ():
                if column not in COLUMNS:
                    raise UsageError(f"{table.name} has an unknown column {column!r}", nearest_name(column, COLUMNS))
            if "name" not in (reader.fieldnames or ()):
                raise UsageError(f"{table.name} has no column 'name'", f"Known columns: {', '.join(COLUMNS)}.")
            return [_subject(table, row, reader.line_num) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileAccessError(f"cannot read {table}", str(error)) from error


def _subject(table: Path, row: dict[str, str | None], line: int) -> SourceSubject:
    values = {column: (row.get(column) or "").strip() for column in COLUMNS}
    if not values["name"]:
        raise UsageError(f"{table.name}, line {line}: a subject without a name")
    if values["split"] and values["split"] not in PARTS:
        raise UsageError(
            f"{table.name}, line {line}: no part of a split is {values['split']!r}",
            nearest_name(values["split"], PARTS),
        )
    name, coordinates = safe_name(values["name"]), values["coordinates"]
    in_atlas_space = coordinates == ATLAS_SPACE_WORD
    files = () if in_atlas_space else tuple(table.parent / word.strip() for word in coordinates.split(";") if word)
    return SourceSubject(
        name=name,
        collection=safe_name(values["collection"] or table.stem),
        person=safe_name(values["person"] or name),
        labels=table.parent / values["labels"] if values["labels"] else None,
        images={contrast: table.parent / values[column] for column, contrast in SCANS.items() if values[column]},
        coordinates=files,
        in_atlas_space=in_atlas_space,
        part=values["split"] or None,
    )
