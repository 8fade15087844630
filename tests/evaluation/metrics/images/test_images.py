"""Each metric of images on cohorts whose fault is known: it must see that fault, and see none in real images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import simulate
from cohortsmith.data.errors import DataError
from cohortsmith.evaluation import METRICS, Comparison, evaluate
from tests.evaluation import images

if TYPE_CHECKING:
    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation import Estimate

BY_NAME = {metric.name: metric for metric in METRICS}
PRIVACY = [metric.name for metric in METRICS if metric.group == "privacy" and "image" in metric.kinds]


def _compared(synthetic: Cohort) -> Comparison:
    return Comparison(images.cells(400, 1), images.cells(260, 2), synthetic, image_models=images.image_models())


@pytest.fixture(scope="module")
def cards() -> dict[str, Comparison]:
    real = images.cells(260, 3)
    return {
        "real": _compared(real),
        "copies": _compared(images.bootstrap(images.cells(400, 1), 260, 4)),
        "shuffled": _compared(images.shuffled(real, 5)),
        "collapsed": _compared(images.collapsed(real, 5, 6)),
        "grey": _compared(images.grey(real)),
        "blurred": _compared(images.blurred(real)),
    }


def _estimate(comparison: Comparison, name: str) -> Estimate:
    return comparison.memo(("test", name), lambda: BY_NAME[name].compute(comparison))


SEEN = [
    *(("copies", name) for name in PRIVACY),
    *(("shuffled", name) for name in ("tstr", "trts", "tstr_macro_f1")),
    *(("collapsed", name) for name in ("class_diversity", "recall", "coverage", "adversarial_accuracy")),
    *(("collapsed", name) for name in ("kernel_distance", "kernel_distance_fixed", "mmd", "frechet", "frechet_fixed")),
    *(("grey", name) for name in ("pixel_wasserstein", "pixel_js", "colour_wasserstein", "power_spectrum")),
    *(("grey", name) for name in ("precision", "recall", "density", "coverage", "discriminator_auc_linear", "tstr")),
    *(("grey", name) for name in ("kernel_distance", "kernel_distance_fixed", "frechet", "frechet_fixed", "mmd")),
    *(("grey", name) for name in ("class_diversity", "adversarial_accuracy")),
    *(("blurred", name) for name in ("power_spectrum", "discriminator_auc_linear", "class_diversity")),
]


@pytest.mark.parametrize(("fault", "name"), SEEN)
def test_a_fault_is_seen_where_it_should_be(fault: str, name: str, cards: dict[str, Comparison]) -> None:
    found, real = _estimate(cards[fault], name), _estimate(cards["real"], name)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert real.value is not None
    assert found.reference is not None
    worse = {"lower": found.low > found.reference, "higher": found.high < found.reference}
    assert worse.get(found.direction, found.low > found.reference or found.high < found.reference)
    assert abs(found.value - found.reference) > 3 * abs(real.value - found.reference)


@pytest.mark.parametrize("name", ["near_copies_pixel", "near_copies_fixed"])
def test_every_copy_is_a_near_copy_and_a_hundredth_of_real_images(name: str, cards: dict[str, Comparison]) -> None:
    assert _estimate(cards["copies"], name).value == 1
    real = _estimate(cards["real"], name)
    assert real.low is not None
    assert real.high is not None
    assert real.low < 0.01 < real.high


def test_a_copy_that_is_turned_or_touched_up_is_still_a_near_copy() -> None:
    train = images.cells(400, 1)
    x = np.rot90(train.x[:200, :, ::-1], axes=(1, 2)).astype(np.int64)
    x += np.random.default_rng(0).integers(-9, 10, x.shape)
    made = replace(train.take(np.arange(200)), x=np.clip(x, 0, 255).astype(np.uint8))
    comparison = _compared(made)
    assert _estimate(comparison, "exact_copies").value == 0
    found = _estimate(comparison, "near_copies_pixel").value
    assert found is not None
    assert found > 0.9


def test_a_rare_mode_that_is_missing_is_missed() -> None:
    train, holdout, made = (simulate("simulated-cells", 800, seed, classes=3, blue=0.05) for seed in (1, 2, 3))
    plain = made.take(~np.asarray(made.provenance["truth"]["blue"]))
    whole, lacking = (Comparison(train, holdout, side, image_models=images.image_models()) for side in (made, plain))
    found = _estimate(whole, "rare_modes")
    missed = _estimate(lacking, "rare_modes")
    assert found.value is not None
    assert missed.value is not None
    assert found.value == pytest.approx(found.reference, abs=0.1)
    assert missed.value < found.value
    gone = [mode for mode in missed.detail["modes"] if mode["synthetic"] == 0]
    assert gone
    assert all(mode["holdout"] == pytest.approx(0.05, abs=0.01) for mode in gone)


def test_the_class_that_collapsed_is_named() -> None:
    real = images.cells(260, 3)
    worse = images.collapsed(real, 5, 6)
    x = np.where((real.y == 2)[:, None, None, None], worse.x, real.x)
    found = _estimate(_compared(replace(real, x=x)), "class_diversity")
    by_class = {row["class"]: row["value"] for row in found.detail["by_class"]}
    assert found.value == by_class["erythroblast"] < 0.3
    assert min(by_class["basophil"], by_class["eosinophil"]) > 0.6


def test_a_class_that_is_missing_has_no_diversity() -> None:
    real = images.cells(260, 3)
    found = _estimate(_compared(real.take(real.y != 0)), "class_diversity")
    assert found.value == 0
    assert found.detail["by_class"][0]["n"] == 0


def test_by_class_precision_and_kernel_distance_see_swapped_labels() -> None:
    real = images.cells(600, 3)
    swapped = _compared(replace(real, y=np.asarray([2, 1, 0])[real.y]))
    for name in ("precision", "kernel_distance_fixed"):
        rows = {row["class"]: row for row in _estimate(swapped, name).detail["by_class"]}
        far = {c: abs(row["value"] - row["reference"]) for c, row in rows.items()}
        assert min(far["basophil"], far["erythroblast"]) > 3 * far["eosinophil"]


def test_without_eyes_pixels_have_to_do() -> None:
    real = images.cells(260, 3)
    wanted = [
        "frechet",
        "frechet_fixed",
        "kernel_distance",
        "near_copies_fixed",
        "tstr",
        "trts",
        "discriminator_auc_linear",
    ]
    report = evaluate(images.cells(400, 1), images.cells(260, 2), real, only=wanted)
    assert report.notes == ("no feature extractors: principal components of pixels and logistic regression are used",)
    assert {e.name for e in report if not e.ok} == {"frechet_fixed", "near_copies_fixed"}
    assert "none was given" in report["frechet_fixed"].status
    assert report["kernel_distance"].detail["space"] == "principal components of train"
    accuracy = report["tstr"].value
    assert accuracy is not None
    assert accuracy > 0.85


def test_with_eyes_the_report_says_which_network_was_fixed() -> None:
    real, image_models = images.cells(260, 3), images.image_models()
    report = evaluate(images.cells(400, 1), images.cells(260, 2), real, only="frechet_fixed", image_models=image_models)
    assert image_models.fixed_digest[:16] in report.notes[0]
    assert report["frechet_fixed"].ok


def test_networks_learn_apart_from_what_they_judge_and_never_for_privacy() -> None:
    train = images.cells(400, 1)
    taught: list[set[bytes]] = []
    image_models = images.image_models()

    def learn(x: images.Images, y: images.Labels, classes: int, seed: int) -> images.Glance:
        taught.append({image.tobytes() for image in x})
        return image_models.learn(x, y, classes, seed)  # type: ignore[return-value]

    comparison = Comparison(
        train, images.cells(260, 2), images.cells(260, 3), image_models=replace(image_models, learn=learn)
    )
    for name in PRIVACY:
        assert BY_NAME[name].compute(comparison).ok
    assert not taught
    for name in ("frechet", "kernel_distance", "precision", "trts"):
        BY_NAME[name].compute(comparison)
    assert len(taught) == 1
    draw = comparison.draw(2000, 0)
    assert not taught[0] & {image.tobytes() for image in train.x[draw.rows.reference]}
    BY_NAME["tstr"].compute(comparison)
    BY_NAME["tstr_macro_f1"].compute(comparison)
    assert [len(images_) for images_ in taught[1:]] == [260, 260]


def test_a_network_that_sees_nonsense_is_no_network() -> None:
    image_models = replace(images.image_models(), fixed=lambda x: np.full((len(x), 3), np.nan, dtype=np.float32))
    comparison = Comparison(images.cells(400, 1), images.cells(260, 2), images.cells(260, 3), image_models=image_models)
    assert "NaN or infinite features" in BY_NAME["frechet_fixed"].compute(comparison).status


def test_images_of_another_size_do_not_go_together() -> None:
    train = images.cells(60, 1)
    grey = images.in_green(train)
    with pytest.raises(DataError, match="synthetic holds images of 28x28x1 pixels, train of 28x28x3"):
        Comparison(train, train, grey)


def test_grey_images_have_a_whole_scorecard() -> None:
    train, holdout, made = (
        images.in_green(cohort) for cohort in (images.cells(400, 1), images.cells(260, 2), images.cells(260, 3))
    )
    wanted = [name for name in BY_NAME if "image" in BY_NAME[name].kinds and not name.startswith("discriminator_a")]
    report = evaluate(train, holdout, made, only=wanted, image_models=images.image_models())
    assert {e.name for e in report if not e.ok} <= {"rare_modes"}
