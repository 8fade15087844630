"""Arguments of a classifier, settled for a data kind."""

from __future__ import annotations

from cohortsmith.ssl_models.classifier import Classifier


def test_steps_asked_for_hold_in_place_of_a_presets_epochs() -> None:
    for preset in ("", "tcga-2021"):
        made = Classifier(preset=preset, pretext="masked", steps=7, pretext_settings={"steps": 9})
        recipe = made.arguments.settled("expression")
        assert recipe.pretext is not None
        assert (recipe.fine_tuning.plan(1000, validated=False).steps, recipe.pretext.plan(1000).steps) == (7, 9)
    both = Classifier(steps=7, epochs=2, batch_size=128).arguments.settled("expression")
    assert both.fine_tuning.plan(1000, validated=False).steps == 16
