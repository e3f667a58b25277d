"""Quality control of a result: the verdict and its reasons, as a text node that people can read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from BrainFMEngine.errors import FileAccessError
from slicer.i18n import tr as _

from BrainFMLib.ImportContext import ImportContext
from BrainFMLib.NiftiFile import DAMAGED_HINT
from BrainFMLib.ResultKinds import ResultKind
from BrainFMLib.Steps import FractionSteps

ATTRIBUTE = "BrainFM.QC"
VERDICTS = ("pass", "check", "fail")


@dataclass(frozen=True)
class QCReport:
    """What quality control says of one result.

    Attributes:
        verdict: "pass", "check" or "fail".
        findings: sentences that explain the verdict.
        warnings: all warnings of the run, findings included.
        measurements: what the verdict is made from, see docs/reference/outputs.md; None where not measured.
    """

    verdict: str
    findings: tuple[str, ...]
    warnings: tuple[str, ...]
    measurements: dict[str, float | None]

    @property
    def headline(self) -> str:
        """Return the verdict in a sentence."""
        return {
            "pass": _("Nothing unusual was found."),
            "check": _("Please check this result before using it."),
            "fail": _("Something went wrong: this result should not be used."),
        }[self.verdict]

    @property
    def text(self) -> str:
        """Return everything for people to read."""
        lines = [self.headline]
        lines += [f"- {sentence[:1].upper()}{sentence[1:]}." for sentence in dict.fromkeys(self._sentences())]
        measured = [f"{name}: {value:.4g}" for name, value in self.measurements.items() if value is not None]
        return "\n".join([*lines, "", *measured]).strip() + "\n"

    @staticmethod
    def of(textNode: Any | None) -> QCReport | None:
        """Return the report in a text node, None if there is none."""
        stored = textNode.GetAttribute(ATTRIBUTE) if textNode is not None else None
        try:
            return _parsed(json.loads(stored)) if stored else None
        except ValueError:
            return None

    def _sentences(self) -> tuple[str, ...]:
        return (*self.findings, *self.warnings)


def loadReport(kind: ResultKind, context: ImportContext) -> FractionSteps[QCReport]:
    """Read `qc.json`.

    Raises:
        FileAccessError: it is no such file.
    """
    content = context.files.json(kind.file)
    yield 1.0
    try:
        return _parsed(content)
    except ValueError as error:
        raise FileAccessError(f"{context.files.name(kind.file)} is damaged", DAMAGED_HINT) from error


def showReport(kind: ResultKind, report: QCReport, node: Any, context: ImportContext) -> None:
    """Put a report into its text node."""
    text, stored = node.GetText(), node.GetAttribute(ATTRIBUTE)

    def restore() -> None:
        node.SetText(text)
        node.SetAttribute(ATTRIBUTE, stored)

    context.change.undoWith(restore)
    node.SetAttribute(ATTRIBUTE, json.dumps(asdict(report)))
    node.SetText(report.text)


def _parsed(content: dict[str, Any]) -> QCReport:
    try:
        if content["verdict"] not in VERDICTS:
            raise ValueError("unknown verdict")
        sentences = (tuple(str(entry) for entry in content[key]) for key in ("findings", "warnings"))
        measurements = {
            str(name): None if value is None else float(value) for name, value in content["measurements"].items()
        }
        return QCReport(content["verdict"], *sentences, measurements)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a quality report") from error
