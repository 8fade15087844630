"""Gains of one arm of a study over another: paired over seeds, with an interval and a verdict.

The table of a study is tidy: one row per arm, seed, part of the patients (`validation`, `test`) and label (`""` for all
classes together), with `METRICS` as columns. An arm is identified by data set, labelled patients, virtual patients
(`VIRTUAL`; all empty and ratio "0" for real patients only) and classifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from cohortsmith.data.errors import DataError
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Sequence

METRICS = ("accuracy", "mean_class_accuracy", "macro_f1", "auc", "brier", "cross_entropy")
LOWER = ("brier", "cross_entropy")  # metrics for which lower is better
TASK = ["data", "labelled"]
VIRTUAL = ["family", "learn_from", "ratio", "role"]
ARM = [*TASK, *VIRTUAL, "classifier"]
STRONGEST = "strongest"
HELPS, HURTS, UNSURE = "helps", "hurts", "no evidence"
ONE_SEED, UNPAIRED = "one seed: no interval", "nothing to compare with"
_NEEDED = [*ARM, "seed", "part", "label"]


def gains(rows: pd.DataFrame, metric: str = "accuracy", by_class: bool = False) -> pd.DataFrame:
    """Gain of each arm with virtual patients over the same classifier on the same real patients only, on test rows.

    Intervals are not corrected for multiple comparisons: of twenty arms without effect, one is expected to get another
    verdict than "no evidence". Choose one on validation first (`best_on_validation`) if a single answer is wanted.

    Args:
        rows: the study's table.
        metric: of `METRICS`.
        by_class: one row per class, instead of one for all classes together; accuracy and mean class accuracy of a
            class are its recall.

    Returns:
        One row per arm, in the order of `rows`: `ARM`, `n_labelled` (median over seeds), `label`, `reference` (the
        classifier compared with), `value` and `reference_value` (means over the seeds that both have), `gain` (mean
        difference, positive is better for every metric), `low`, `high` (95 %, Student's t over the seeds'
        differences; NaN with one seed), `seeds`, `verdict`: "helps" where low > 0, "hurts" where high < 0, else
        "no evidence"; "one seed: no interval"; "nothing to compare with" where no seed has both.

    Raises:
        DataError: an unknown metric or one that the rows lack, a column missing, or a duplicate arm.
    """
    test = _test_rows(rows, metric, by_class)
    alone = _real_only(test)
    return _compared(test[~alone], test[alone], ["classifier"], metric)


def gains_over(
    rows: pd.DataFrame, reference: str = STRONGEST, metric: str = "accuracy", by_class: bool = False
) -> pd.DataFrame:
    """Gain of each arm, including those on real patients only, over one classifier on real patients only, on test rows.

    Args:
        rows: the study's table; column `pretext` names the pretext task of each classifier.
        reference: name of a classifier, or "strongest": for each data set and number of labels, the classifier
            without a pretext that is best on validation rows, by the mean over its seeds.
        metric: of `METRICS`; "strongest" is chosen by it too.
        by_class: one row per class; "strongest" is still chosen on all classes together.

    Returns:
        As `gains`, without the reference's own row.

    Raises:
        DataError: as `gains`; a reference without rows on real patients only; or nothing to choose from.
    """
    test = _test_rows(rows, metric, by_class)
    chosen = _strongest(rows, metric) if reference == STRONGEST else _named(rows, reference)
    reference_rows = test[_real_only(test)].merge(chosen, on=[*TASK, "classifier"])
    real = _real_only(test)
    own = pd.MultiIndex.from_frame(test[[*TASK, "classifier"]]).isin(list(chosen.itertuples(index=False, name=None)))
    return _compared(test[~(real & own)], reference_rows, [], metric)


def best_on_validation(rows: pd.DataFrame, over: Sequence[str] = ("ratio",), metric: str = "accuracy") -> pd.DataFrame:
    """Rows of the arms with virtual patients chosen on validation, and of all arms on real patients only.

    Of arms that differ only in `over`, the one with the best mean over seeds on validation rows is chosen; arms that
    lack seeds are excluded. Arms on real patients only do not compete: pass the result to `gains` to measure whether
    virtual patients help. If seeds split the patients anew, validation patients of one seed are test patients of
    another: the same for all arms, but it makes the test figures of the chosen arm slightly optimistic.

    Args:
        rows: the study's table.
        over: columns of `ARM` to choose over.
        metric: of `METRICS`.

    Returns:
        Rows of `rows`, of every seed, part and label.

    Raises:
        DataError: as `gains`; a column that is none of `ARM`, or no validation rows.
    """
    for name in over:
        if name not in ARM:
            raise DataError(f"arms are chosen over {', '.join(ARM)}; got {name!r}{near_misses(name, ARM)}")
    rows = _checked(rows, metric)
    alone = _real_only(rows)
    best = _best(_validation(rows[~alone], metric), [name for name in ARM if name not in over], metric)
    kept = pd.MultiIndex.from_frame(rows[ARM]).isin(list(best[ARM].itertuples(index=False, name=None)))
    return rows[alone | kept]


def verdict(low: float, high: float, seeds: int) -> str:
    """Verdict on a gain with interval `low` to `high`, from this number of pairs."""
    if seeds < 2:
        return ONE_SEED if seeds else UNPAIRED
    return HELPS if low > 0 else HURTS if high < 0 else UNSURE


def _checked(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    if metric not in METRICS:
        raise DataError(f"no metric {metric!r}{near_misses(metric, METRICS)}; known: {', '.join(METRICS)}")
    if lacking := [name for name in (*_NEEDED, metric) if name not in rows]:
        raise DataError(f"the study's table lacks the columns {', '.join(lacking)}")
    empty = {name: rows[name].fillna("") for name in [*VIRTUAL, "label"]}
    rows = rows.assign(**empty | {"ratio": rows["ratio"].map(_ratio)})
    twice = rows.duplicated(_NEEDED)
    if twice.any():
        arm = rows.loc[twice, _NEEDED].iloc[0]
        duplicate = ", ".join(f"{name} {value}" for name, value in arm.items() if value != "")
        raise DataError(f"each arm, seed, part and label must be unique in a study's table; duplicate: {duplicate}")
    return rows


def _ratio(value: object) -> str:
    """A ratio in canonical form: 0, 0.0 and "0.0" are "0"."""
    try:
        return f"{float(str(value)):g}"
    except ValueError:
        return str(value)


def _test_rows(rows: pd.DataFrame, metric: str, by_class: bool) -> pd.DataFrame:
    rows = _checked(rows, metric)
    found = rows[(rows["part"] == "test") & ((rows["label"] != "") == by_class)]
    if by_class:
        found = found.assign(mean_class_accuracy=found["accuracy"])
    if found[metric].isna().all():
        raise DataError(f"no test rows {'of single classes' if by_class else 'of all classes'} have {metric}")
    return found


def _real_only(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows["family"] == ""


def _compared(arms: pd.DataFrame, reference: pd.DataFrame, same: list[str], metric: str) -> pd.DataFrame:
    on = [*TASK, *same, "seed", "label"]
    other = reference.assign(reference=reference["classifier"], reference_value=reference[metric])
    columns = list(dict.fromkeys([*on, "reference", "reference_value"]))
    paired = arms.merge(other[columns], on=on, how="left", validate="many_to_one")
    sign = -1.0 if metric in LOWER else 1.0
    paired["difference"] = sign * (paired[metric] - paired["reference_value"])
    found = []
    for key, part in paired.groupby([*ARM, "label"], sort=False, dropna=False):
        both = part.dropna(subset=["difference"])
        low, high = _interval(both["difference"].to_numpy(np.float64))
        names = both["reference"].unique()
        found.append(
            {
                **dict(zip([*ARM, "label"], key, strict=True)),
                "n_labelled": part["n_labelled"].median() if "n_labelled" in part else np.nan,
                "reference": names[0] if len(names) else "",
                "value": both[metric].mean(),
                "reference_value": both["reference_value"].mean(),
                "gain": both["difference"].mean(),
                "low": low,
                "high": high,
                "seeds": len(both),
                "verdict": verdict(low, high, len(both)),
            }
        )
    columns = [*TASK, "n_labelled", *VIRTUAL, "classifier", "label", "reference", "value", "reference_value"]
    return pd.DataFrame(found, columns=[*columns, "gain", "low", "high", "seeds", "verdict"])


def _interval(differences: np.typing.NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of the mean of paired differences, Student's t (Student 1908)."""
    n = len(differences)
    if n < 2:
        return float("nan"), float("nan")
    half = float(stdtrit(n - 1, 0.975)) * float(differences.std(ddof=1)) / n**0.5
    return float(differences.mean()) - half, float(differences.mean()) + half


def _validation(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    found = rows[(rows["part"] == "validation") & (rows["label"] == "")].dropna(subset=[metric])
    if not len(found):
        raise DataError(f"choices are made on validation rows, and none of these arms has any with {metric}")
    return found


def _best(rows: pd.DataFrame, within: list[str], metric: str) -> pd.DataFrame:
    """The best arm of each group of arms that agree in `within`; the first one if tied."""
    means = rows.groupby(ARM, sort=False)[metric].agg(["mean", "size"]).reset_index()
    groups = means.groupby(within, sort=False) if within else means.groupby(np.zeros(len(means)))
    means = means[means["size"] == groups["size"].transform("max")]
    order = means.sort_values("mean", ascending=metric in LOWER, kind="stable")
    return order.drop_duplicates(within) if within else order.head(1)


def _strongest(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    rows = _checked(rows, metric)
    if "pretext" not in rows:
        raise DataError("the strongest reference is one without a pretext; the study's table lacks the column pretext")
    supervised = rows[_real_only(rows) & (rows["pretext"].fillna("") == "")]
    return _best(_validation(supervised, metric), TASK, metric)[[*TASK, "classifier"]]


def _named(rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    alone = rows[rows["family"].fillna("") == ""]
    found = alone.loc[alone["classifier"] == reference, [*TASK, "classifier"]].drop_duplicates()
    if not len(found):
        known = [str(name) for name in alone["classifier"].unique()]
        raise DataError(
            f"no classifier {reference!r} on real patients only{near_misses(reference, known)}; there are "
            f"{', '.join(known) or 'none'}"
        )
    return found
