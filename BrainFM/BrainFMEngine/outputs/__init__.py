"""Results on disk: what a `Prediction` becomes, file by file.

Rules of this package: a file is named `<stem>_<kind>` and lies in `<folder>/<stem>/`; all files of a run appear
together or not at all, the report last; nothing the user put there is touched unless asked to; torch is not needed.
"""

from __future__ import annotations

from BrainFMEngine.outputs.naming import stem_of, stems_of
from BrainFMEngine.outputs.options import OutputOptions
from BrainFMEngine.outputs.surfaces import require_surfaces
from BrainFMEngine.outputs.target import check_target
from BrainFMEngine.outputs.write import write_results

__all__ = ["OutputOptions", "check_target", "require_surfaces", "stem_of", "stems_of", "write_results"]
