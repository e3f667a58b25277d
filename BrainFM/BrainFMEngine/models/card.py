"""The card of a model: what one should know before using or passing it on, told by its `model.json`. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from BrainFMEngine.network.info import ModelInfo
from BrainFMEngine.tasks import TASKS

Card = tuple[tuple[str, str], ...]
"""Key of `TITLES` and its text, in the order in which they are read."""

TITLES = {
    "makes": "Makes",
    "recipe": "Recipe",
    "steps": "Steps",
    "seed": "Seed",
    "start": "Begun from",
    "trained_on": "Trained on",
    "licence": "Licence",
    "scores": "Validation scores",
    "date": "Trained until",
    "trainer": "Made with",
    "source": "Source",
    "verified": "Verified",
    "weights": "Weights",
    "use": "Use",
}
SHOWN_SCORES = {
    "loss": "loss {:.3g}",
    "seg/mean Dice": "mean Dice {:.3f}",
    "T1w/L1": "T1w error {:.3g}",
    "T2w/L1": "T2w error {:.3g}",
    "FLAIR/L1": "FLAIR error {:.3g}",
    "CT/L1": "CT error {:.3g} HU",
    "distance/L1": "error of distances {:.3g} mm",
    "bias/": "error of the bias field {:.3g}",
    "registration/": "error of atlas coordinates {:.3g} mm",
}
"""How the name of a score begins, and how it is told; the first of a kind tells most."""
RESEARCH_ONLY = "Research use only; not for diagnosis or treatment."
_HASH_SHOWN = 12


def card_of(info: ModelInfo, evidence: str = "") -> Card:
    """Return what is known about a model; what is not known is left out.

    Args:
        info: its description.
        evidence: who vouches for its file, where the model does not say that itself.
    """
    known = info.provenance
    texts = {
        "makes": ", ".join(task.title for task in TASKS if task.name in info.tasks),
        "recipe": _joined(" ", (known.get("recipe_name"), _in_brackets(known.get("preset")))),
        "steps": _joined(" of ", (known.get("step"), known.get("steps"))),
        "seed": known.get("seed", ""),
        "start": _joined(" ", (known.get("start_model"), _in_brackets(known.get("start_licence")))),
        "trained_on": info.trained_on,
        "licence": info.licence,
        "scores": "; ".join(_scores(info.metrics)),
        "date": known.get("date", ""),
        "trainer": known.get("trainer", ""),
        "source": known.get("source_file", ""),
        "verified": known.get("verified", evidence),
        "weights": f"SHA-256 {info.sha256[:_HASH_SHOWN]}…" if info.sha256 else "",
        "use": RESEARCH_ONLY,
    }
    return tuple((key, texts[key]) for key in TITLES if texts[key])


def card_markdown(info: ModelInfo, evidence: str = "") -> str:
    """Return the card as Markdown."""
    lines = [f"- **{TITLES[key]}:** {text}" for key, text in card_of(info, evidence)]
    return "\n".join([f"# {info.title or info.name}", "", f"Model `{info.name}`.", "", *lines, ""])


def _scores(metrics: dict[str, float]) -> Iterator[str]:
    """Yield the first number of each kind, in words."""
    for kind, words in SHOWN_SCORES.items():
        value = next((value for name, value in metrics.items() if name.startswith(kind)), None)
        if value is not None:
            yield words.format(value)


def _joined(between: str, words: Iterable[str | None]) -> str:
    return between.join(word for word in words if word)


def _in_brackets(text: str | None) -> str:
    return f"({text})" if text else ""
