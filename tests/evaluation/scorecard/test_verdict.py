"""The plain words at the top follow the stated rule."""

from __future__ import annotations

from typing import Any

import pytest

from cohortsmith.evaluation.core.estimate import Estimate
from cohortsmith.evaluation.scorecard.verdict import judge, read


def estimate(value: float | None, low: float | None = None, high: float | None = None, **more: Any) -> Estimate:
    given: dict[str, Any] = {
        "name": "a",
        "reference": 0.95,
        "chance": 0.15,
        "direction": "higher",
        "status": "ok",
        "detail": {},
        "group": "utility",
        "explanation": "",
        "source": "",
    } | more
    return Estimate(value=value, low=low, high=high, **given)


ATTACK: dict[str, Any] = {"reference": 0.5, "chance": 0.5, "direction": "lower", "group": "privacy"}


@pytest.mark.parametrize(
    ("value", "low", "high", "reading"),
    [
        (0.94, 0.92, 0.96, "as real"),
        (0.97, 0.96, 0.98, "as real"),
        (0.90, 0.88, 0.92, "close"),
        (0.60, 0.58, 0.62, "partway"),
        (0.30, 0.28, 0.32, "far"),
        (0.05, 0.04, 0.06, "far"),
    ],
)
def test_a_figure_reads_by_its_place_between_chance_and_real(
    value: float, low: float, high: float, reading: str
) -> None:
    assert read(estimate(value, low, high)) == reading
    flipped = estimate(-value, -high, -low, reference=-0.95, chance=-0.15, direction="lower")
    assert read(flipped) == reading


def test_where_real_scores_as_chance_does_the_worst_score_is_the_other_end() -> None:
    assert read(estimate(0.51, 0.49, 0.53, **ATTACK)) == "as real"
    assert read(estimate(0.54, 0.52, 0.56, **ATTACK)) == "close"
    assert read(estimate(0.56, 0.54, 0.58, **ATTACK)) == "partway"
    assert read(estimate(0.99, 0.98, 1.0, **ATTACK)) == "far"


def test_any_copy_of_a_patient_is_more_than_a_faint_trace() -> None:
    copies = ATTACK | {"reference": 0.0, "chance": 0.0}
    assert read(estimate(0.0, 0.0, 0.01, **copies)) == "as real"
    assert read(estimate(0.002, 0.0005, 0.006, **copies)) == "partway"
    assert read(estimate(1.0, 0.99, 1.0, **copies)) == "far"


def test_a_target_can_be_missed_on_both_sides() -> None:
    aims: dict[str, Any] = {"reference": 0.5, "chance": 1.0, "direction": "target"}
    assert read(estimate(0.5, 0.45, 0.55, **aims)) == "as real"
    assert read(estimate(0.9, 0.88, 0.92, **aims)) == "far"
    assert read(estimate(0.05, 0.03, 0.07, **aims)) == "far"


def test_chance_is_the_aim_of_a_discriminator_even_where_real_scores_below_it() -> None:
    common: dict[str, Any] = {"reference": 0.43, "chance": 0.5, "direction": "lower", "group": "fidelity"}
    assert read(estimate(0.51, 0.49, 0.53, **common)) == "as real"
    assert read(estimate(0.59, 0.56, 0.62, **common)) == "close"
    assert read(estimate(0.95, 0.93, 0.97, **common)) == "far"


def test_to_be_farther_from_train_than_real_patients_is_no_leak() -> None:
    distance: dict[str, Any] = {"reference": 0.55, "chance": 0.96, "direction": "target", "group": "privacy"}
    assert read(estimate(0.65, 0.64, 0.66, **distance)) == "as real"
    assert read(estimate(0.0, 0.0, 0.0, **distance)) == "far"


def test_a_target_overshot_by_little_is_close() -> None:
    assert read(estimate(0.96, 0.955, 0.965, reference=0.92, chance=0.18, direction="target")) == "close"


def test_privacy_is_judged_by_its_worst_attack_and_fidelity_by_all_figures() -> None:
    attacks = [estimate(0.5, 0.48, 0.52, **ATTACK)] * 4 + [estimate(0.99, 0.98, 1.0, **ATTACK)]
    assert judge(attacks, "privacy").reading == "far"
    figures = [estimate(0.94, 0.92, 0.96)] * 4 + [estimate(0.6, 0.58, 0.62)]
    verdict = judge(figures, "utility")
    assert verdict.reading == "close"
    assert verdict.weakest is figures[-1]


def test_one_figure_at_chance_level_forbids_the_word_close() -> None:
    figures = [estimate(0.94, 0.92, 0.96)] * 9 + [estimate(0.2, 0.18, 0.22)]
    assert judge(figures, "utility").reading == "partway"


def test_what_could_not_be_measured_is_not_called_safe() -> None:
    verdict = judge([estimate(None, **ATTACK | {"status": "not evaluable: too few"})], "privacy")
    assert verdict.reading is None
    assert verdict.headline == "Not measured"


@pytest.mark.parametrize(
    ("value", "reading"),
    [(99.985, "as real"), (99.975, "close"), (99.955, "partway"), (99.70, "far"), (100.0, "partway")],
)
def test_a_percentage_near_100_is_read_by_what_it_lacks_of_100(value: float, reading: str) -> None:
    """99.7 % identical sounds near to the 99.985 % of new patients, and is what random edits score."""
    found = estimate(
        value, value - 0.002, value + 0.002, reference=99.985, chance=99.93, direction="target", group="fidelity",
        bounds=(0, 100),
    )  # fmt: skip
    assert read(found) == reading
