"""Several runs beside each other: a discriminator's opponents on one scale, and classifiers while they learn."""

from __future__ import annotations

import pytest

from cohortsmith.evaluation.html.layout import gallery
from cohortsmith.evaluation.plots.training import MOST_BESIDE, accuracy, duel, training


def rows(real: float, fake: float, n: int = 40) -> list[dict[str, float]]:
    return [{"step": 10.0 * s, "d_real": real, "d_fake": fake} for s in range(n)]


def test_every_opponent_of_the_discriminator_has_its_panel_on_the_same_axes() -> None:
    found = duel({"GAN": rows(0.6, 0.4), "copies": rows(0.5, 0.5), "random edits": rows(0.99, 0.01)})
    assert [panel.title for panel in found.panels] == ["GAN", "copies", "random edits"]
    assert {tuple(panel.layout["yaxis"]["range"]) for panel in found.panels} == {(-0.02, 1.02)}
    assert all(panel.layout["shapes"][0]["y0"] == 0.5 for panel in found.panels)
    assert "0.99 on real patients, 0.01 on generated" in found.panels[2].note
    assert found.panels[1].data[-1]["y"][-1] == 0.5


def test_the_caption_says_that_copying_reaches_one_half_too() -> None:
    note = duel({"GAN": rows(0.5, 0.5)}).note
    assert "1/2 when the generator is perfect" in note
    assert "copies of the training patients take both to 1/2 as well" in note


def test_scores_of_a_critic_have_no_half_and_no_such_caption() -> None:
    found = duel({"WGAN": rows(7.0, -3.0)})
    assert "shapes" not in found.panels[0].layout
    assert "1/2" not in found.note


def test_histories_without_scores_make_no_panel() -> None:
    assert duel({"VAE": [{"step": 1.0, "loss": 2.0}], "nothing": []}).panels == []
    assert accuracy({"VAE": [{"step": 1.0, "loss": 2.0}]}).panels == []


def test_accuracy_of_both_discriminators_is_drawn_on_train_and_on_holdout() -> None:
    steps = range(300)
    bent = [{"step": float(s), "accuracy_train": s / 300, "accuracy_holdout": 0.5} for s in steps]
    straight = [{"step": float(s), "accuracy_train": 0.8, "accuracy_holdout": 0.75} for s in steps]
    found = accuracy({"with activation": bent, "without activation": straight})
    assert [panel.title for panel in found.panels] == ["Training patients", "Holdout patients"]
    colours = {name: colour for name, colour, _ in found.legend}
    for panel in found.panels:
        for trace in panel.data:
            assert trace["line"]["color"] == colours[trace["legendgroup"]]
            assert len(trace["x"]) <= MOST_BESIDE
    ends = {trace["legendgroup"]: trace["y"][-1] for trace in found.panels[0].data}
    assert ends == {"with activation": pytest.approx(1, abs=0.02), "without activation": 0.8}


def test_names_of_runs_are_text() -> None:
    page = gallery("d", duel({"<b>x</b>": rows(0.5, 0.5)})) + gallery(
        "a", accuracy({"<i>": [{"step": 0.0, "accuracy_train": 1.0}]})
    )
    assert "<b>x" not in page
    assert "<i>" not in page


@pytest.mark.parametrize(("best", "words"), [(20.0, "Lowest at step 20"), (0.0, "the network adds nothing")])
def test_the_best_step_is_marked_on_the_validation_loss(best: float, words: str) -> None:
    history = [{"step": step, "loss": 1.0, "validation_loss": abs(step - best) + 1} for step in (0.0, 10.0, 20.0, 30.0)]
    (panel,) = [panel for panel in training(history).panels if panel.title == "Loss on validation patients"]
    assert panel.layout["shapes"][0]["x0"] == best
    assert panel.layout["annotations"][0]["text"] == f"best: step {best:g}"
    assert words in panel.note
