from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data import DataError
from cohortsmith.evaluation.study.paired_gains import ARM, best_on_validation, gains, gains_over, verdict

REAL: dict[str, Any] = {"family": "", "learn_from": "", "ratio": "0", "role": ""}
SUPERVISED: dict[str, Any] = {"classifier": "supervised", "pretext": ""}
SCARF: dict[str, Any] = {"classifier": "scarf", "pretext": "scarf"}


def made(ratio: str, family: str = "mvn") -> dict[str, Any]:
    return {"family": family, "learn_from": "labelled", "ratio": ratio, "role": "labelled"}


def arm(test: list[float], validation: list[float] | None = None, **names: Any) -> list[dict[str, Any]]:
    """Rows of an arm, accuracies by seed."""
    whole = {"data": "blood", "labelled": "quarter", "n_labelled": 100, "label": "", **REAL, **SUPERVISED, **names}
    parts = {"test": test, "validation": test if validation is None else validation}
    return [
        {**whole, "part": part, "seed": seed, "accuracy": value, "brier": 1 - value}
        for part, values in parts.items()
        for seed, value in enumerate(values)
        if not math.isnan(value)
    ]


def table(*arms: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([row for rows in arms for row in rows])


REAL_ONLY = arm([0.70, 0.72, 0.74])


def test_a_gain_by_hand() -> None:
    # differences .05 .04 .06: mean .05, spread .01; t of 2 degrees of freedom is 4.302653
    (found,) = gains(table(REAL_ONLY, arm([0.75, 0.76, 0.80], **made("1")))).to_dict("records")
    half = 4.302653 * 0.01 / math.sqrt(3)
    assert found["gain"] == pytest.approx(0.05)
    assert found["low"] == pytest.approx(0.05 - half, abs=1e-7)
    assert found["high"] == pytest.approx(0.05 + half, abs=1e-7)
    assert found["value"] == pytest.approx(0.77)
    assert found["reference_value"] == pytest.approx(0.72)
    assert (found["seeds"], found["verdict"], found["reference"]) == (3, "helps", "supervised")
    assert {name: found[name] for name in ARM} == {
        "data": "blood", "labelled": "quarter", "classifier": "supervised", **made("1"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("accuracies", "word"),
    [
        ([0.75, 0.76, 0.80], "helps"),
        ([0.80, 0.90, 0.71], "no evidence"),  # .10 .18 -.03: a mean of 8 points, and an interval from -18 to 35
        ([0.70, 0.72, 0.74], "no evidence"),  # nothing changes
        ([0.65, 0.68, 0.68], "hurts"),
        ([0.75], "one seed: no interval"),
        ([math.nan, 0.75], "one seed: no interval"),
        ([], "nothing to compare with"),
    ],
)
def test_the_word_goes_by_the_interval(accuracies: list[float], word: str) -> None:
    lone = arm([math.nan] * 3 + [0.9], **made("1")) if not accuracies else arm(accuracies, **made("1"))
    (found,) = gains(table(REAL_ONLY, lone)).to_dict("records")
    assert found["verdict"] == word
    if "seed" in word:
        assert found["gain"] in (pytest.approx(0.05), pytest.approx(0.03))
        assert math.isnan(found["low"])
        assert math.isnan(found["high"])


def test_pairs_tell_more_than_means() -> None:
    """Seeds differ by 20 points, the arm by one point within each seed."""
    found = gains(table(arm([0.5, 0.7, 0.9]), arm([0.51, 0.711, 0.909], **made("2"))))
    assert found["verdict"].tolist() == ["helps"]


def test_a_loss_that_falls_is_a_gain() -> None:
    rows = table(REAL_ONLY, arm([0.75, 0.76, 0.80], **made("1")))
    pd.testing.assert_series_equal(gains(rows, "brier")["gain"], gains(rows, "accuracy")["gain"])


def test_each_classifier_is_compared_with_itself() -> None:
    rows = table(
        REAL_ONLY,
        arm([0.8, 0.8, 0.8], **SCARF),
        arm([0.75, 0.76, 0.80], **made("1")),
        arm([0.75, 0.76, 0.80], **made("1"), **SCARF),
        arm([0.9, 0.9, 0.9], labelled="full"),
    )
    found = gains(rows).set_index("classifier")
    assert found["verdict"].to_dict() == {"supervised": "helps", "scarf": "no evidence"}
    assert found.loc["scarf", "gain"] == pytest.approx(-0.03)


def test_each_class_has_its_own_word() -> None:
    def of_class(label: str, values: list[float], **names: Any) -> list[dict[str, Any]]:
        return arm(values, label=label, **names)

    rows = table(
        REAL_ONLY,
        of_class("rare", [0.2, 0.3, 0.1]),
        of_class("common", [0.9, 0.9, 0.9]),
        arm([0.7, 0.7, 0.7], **made("1")),
        of_class("rare", [0.5, 0.6, 0.45], **made("1")),
        of_class("common", [0.8, 0.81, 0.8], **made("1")),
    )
    found = gains(rows, by_class=True)
    assert dict(zip(found["label"], found["verdict"], strict=True)) == {"rare": "helps", "common": "hurts"}
    assert gains(rows)["label"].tolist() == [""]
    # What a class adds to the mean of classes is its recall.
    same = gains(rows.assign(mean_class_accuracy=np.nan), "mean_class_accuracy", by_class=True)
    assert same["gain"].tolist() == found["gain"].tolist()


def test_the_strongest_reference_is_chosen_on_validation() -> None:
    other: dict[str, Any] = {"classifier": "small-cnn", "pretext": ""}
    rows = table(
        arm([0.95, 0.95, 0.95], validation=[0.6, 0.6, 0.6]),  # best on test, which must not count
        arm([0.90, 0.90, 0.90], validation=[0.7, 0.7, 0.7], **other),
        arm([0.92, 0.93, 0.91], validation=[0.9, 0.9, 0.9], **SCARF),  # best on validation, but self-supervised
        arm([0.80, 0.80, 0.80], validation=[0.9, 0.9, 0.9], **made("1")),  # with virtual patients
    )
    found = gains_over(rows)
    assert set(found["reference"]) == {"small-cnn"}
    assert found[["classifier", "ratio"]].to_numpy().tolist() == [
        ["supervised", "0"],
        ["scarf", "0"],
        ["supervised", "1"],
    ]
    by_name = found.set_index(["classifier", "ratio"])
    assert by_name.loc[("scarf", "0"), "gain"] == pytest.approx(0.02)
    assert by_name.loc[("supervised", "1"), "verdict"] == "hurts"


def test_a_named_reference() -> None:
    rows = table(REAL_ONLY, arm([0.75, 0.76, 0.80], **SCARF), arm([0.8, 0.8, 0.8], labelled="full", **SCARF))
    found = gains_over(rows, "supervised")
    assert found["verdict"].tolist() == ["helps", "nothing to compare with"]
    with pytest.raises(DataError, match="did you mean 'supervised'"):
        gains_over(rows, "supervized")


def test_the_ratio_is_chosen_on_validation_and_judged_on_test() -> None:
    rows = table(
        REAL_ONLY,
        arm([0.90, 0.90, 0.90], validation=[0.70, 0.70, 0.70], **made("0.5")),
        arm([0.75, 0.76, 0.80], validation=[0.80, 0.80, 0.80], **made("1")),
        arm([0.99, 0.99], validation=[0.99, 0.99], **made("2")),  # a seed is still missing
        arm([0.60, 0.60, 0.60], validation=[0.50, 0.50, 0.50], **made("5", "diffusion")),
    )
    kept = best_on_validation(rows)
    assert sorted(set(zip(kept["family"], kept["ratio"], strict=True))) == [("", "0"), ("diffusion", "5"), ("mvn", "1")]
    assert gains(kept)["verdict"].tolist() == ["helps", "hurts"]
    over_all = best_on_validation(rows, over=("family", "ratio"))
    assert set(over_all["ratio"]) == {"0", "1"}
    assert set(best_on_validation(rows, metric="brier")["ratio"]) == {"0", "1", "5"}


def test_ratios_are_one_however_written() -> None:
    rows = table(REAL_ONLY, arm([0.75, 0.76, 0.80], **(made("1") | {"ratio": 1.0})))
    assert gains(rows)["ratio"].tolist() == ["1"]


def test_bad_tables_are_named() -> None:
    rows = table(REAL_ONLY, arm([0.75, 0.76, 0.80], **made("1")))
    with pytest.raises(DataError, match="did you mean 'accuracy'"):
        gains(rows, "acuracy")
    with pytest.raises(DataError, match="lacks the columns role"):
        gains(rows.drop(columns="role"))
    with pytest.raises(DataError, match="duplicate: data blood"):
        gains(pd.concat([rows, rows]))
    with pytest.raises(DataError, match="of single classes"):
        gains(rows, by_class=True)
    with pytest.raises(DataError, match="did you mean 'ratio'"):
        best_on_validation(rows, over=("ratios",))
    with pytest.raises(DataError, match="validation rows"):
        best_on_validation(rows[rows["part"] == "test"])


def test_touching_nought_is_no_evidence() -> None:
    assert verdict(0.0, 0.1, 3) == verdict(-0.1, 0.0, 3) == "no evidence"
