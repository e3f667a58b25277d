"""The card of a model as users read it: where it comes from, under which licences, how good it was."""

from __future__ import annotations

import html

from slicer.i18n import tr as _

from BrainFMLib.ModelManager import ModelRow


def cardOf(row: ModelRow) -> str:
    """Return the card as rich text, one line for each fact; "" if nothing is known."""
    titles = _titles()
    lines = [(titles.get(key, key), text) for key, text in row.card]
    if not lines:
        return ""
    rows = "".join(
        f"<tr><td><b>{html.escape(name)}:</b>&nbsp;</td><td>{html.escape(text)}</td></tr>" for name, text in lines
    )
    return f"<p><b>{html.escape(row.title)}</b></p><table>{rows}</table>"


def _titles() -> dict[str, str]:
    """Return what users read for each key of the engine's `models.card.TITLES`."""
    return {
        "makes": _("Makes"),
        "recipe": _("Recipe"),
        "steps": _("Steps"),
        "seed": _("Seed"),
        "start": _("Begun from"),
        "trained_on": _("Trained on"),
        "licence": _("Licence"),
        "scores": _("Validation scores"),
        "date": _("Trained until"),
        "trainer": _("Made with"),
        "source": _("Source"),
        "verified": _("Verified"),
        "weights": _("Weights"),
        "use": _("Use"),
    }
