"""The presets of the 2025 study carry its figures, and each pretext of it can be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.ssl_models import Classifier

if TYPE_CHECKING:
    from cohortsmith.ssl_models.recipe import Recipe

PRETEXTS = ("simclr", "moco", "mae", "aim")


def recipe(preset: str, pretext: str = "", **arguments: Any) -> Recipe:
    return Classifier(preset=preset, pretext=pretext, **arguments).arguments.settled("image")


def test_the_founding_reference_is_a_stock_resnet_under_halved_sgd() -> None:
    settled = recipe("images-2025")
    assert (settled.backbone, settled.backbone_settings) == ("resnet18", {"stem": "stock", "width": 64})
    plan = settled.fine_tuning.plan(11_959, validated=False)
    assert (plan.steps, plan.batch_size) == (9400, 128)
    rates = [plan.rate(94 * epoch) for epoch in (0, 19, 20, 40, 80)]
    assert rates == pytest.approx([0.05, 0.05, 0.025, 0.0125, 0.003125])
    tuning = settled.fine_tuning
    assert (tuning.optimiser, tuning.momentum, tuning.class_weights, tuning.augmentation) == ("sgd", 0.9, True, "none")


@pytest.mark.parametrize("preset", ["images-2025", "images-2025-cpu"])
@pytest.mark.parametrize("pretext", PRETEXTS)
def test_a_pretext_brings_its_network_and_its_head(preset: str, pretext: str) -> None:
    settled = recipe(preset, pretext)
    assert settled.backbone == {"mae": "vit", "aim": "vit"}.get(pretext, "resnet18")
    assert settled.pretext is not None
    assert settled.pretext.batch_size == settled.fine_tuning.batch_size == 128
    assert len(settled.fine_tuning.hidden) == 1
    assert recipe(preset, pretext, frozen="all").fine_tuning.frozen == "all"
    plan = settled.pretext.plan(7007)
    assert plan.steps == settled.pretext.epochs * 55


def test_founding_pretexts_have_the_figures_of_the_study() -> None:
    simclr, moco, mae, aim = (recipe("images-2025", name) for name in PRETEXTS)
    for settled in (simclr, moco, mae, aim):
        tuning = settled.fine_tuning
        assert (tuning.hidden, tuning.optimiser, tuning.learning_rate, tuning.decay) == ((2048,), "sgd", 0.01, "cosine")
        assert settled.pretext is not None
        assert settled.pretext.epochs == tuning.epochs == 100
    told: Any = simclr.pretext
    assert (told.optimiser, told.learning_rate, told.augmentation) == ("sgd", 0.06, "simclr")
    told = mae.pretext
    assert told.masked == 0.75
    assert aim.backbone_settings == {"patch_size": 4, "width": 280, "depth": 12, "heads": 7}
    deeper = recipe("images-2025", "moco", backbone="resnet34", backbone_settings={"stem": "stock"})
    assert deeper.pretext == moco.pretext
