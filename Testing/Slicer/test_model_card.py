"""The card of a model, in the list of models."""

import dataclasses

import module_bed
import pytest
from BrainFMEngine.models.card import TITLES
from BrainFMLib import ModelCard
from module_panel import folder, panel, setup  # noqa: F401

pytestmark = pytest.mark.gui


def test_the_card_is_a_tool_tip_and_a_click_away(panel):  # noqa: F811
    table, model = panel.ui.modelTable, panel.module.model
    tip = table.item(0, 0).toolTip()
    assert "Apache-2.0" in tip and "Research use only" in tip and "SHA-256" in tip
    assert "Details" in panel.ui.modelDescriptionLabel.text
    told = []
    model.tell = told.append
    panel.ui.modelDescriptionLabel.linkActivated.emit("card")
    assert told == [tip]
    missing = next(row for row in model.manager.list() if row.state == "missing")
    model.show(missing.name)
    assert "Details" not in panel.ui.modelDescriptionLabel.text and not ModelCard.cardOf(missing)


def test_every_fact_of_the_engine_has_a_title_that_can_be_translated():
    assert set(ModelCard._titles()) == set(TITLES)


def test_what_a_card_says_is_text_and_no_markup(panel):  # noqa: F811
    row = dataclasses.replace(panel.module.model.manager.list()[0], title="<b>a", card=(("licence", "<script>"),))
    assert "<script>" not in ModelCard.cardOf(row) and "&lt;b&gt;a" in ModelCard.cardOf(row)
    assert module_bed.shown(panel.ui.modelTable)
