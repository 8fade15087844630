"""One contract for every metric."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohortsmith.data.cohort import Cohort
from cohortsmith.evaluation import METRICS, Comparison, Metric
from tests.evaluation import images, sequences
from tests.evaluation.profiles import studies


def _patients(n: int, seed: int) -> Cohort:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    mix = np.random.default_rng(0).standard_normal((3, 8))
    x = (rng.standard_normal((n, 3)) + 2 * y[:, None]) @ mix + 0.3 * rng.standard_normal((n, 8))
    ids = [f"s{i}" for i in range(n)]
    return Cohort(
        kind="expression",
        x=x.astype(np.float32),
        y=y.astype(np.int64),
        classes=("a", "b"),
        features=tuple(f"g{i}" for i in range(8)),
        subjects=np.asarray(ids, dtype=np.str_),
        obs=pd.DataFrame(index=ids),
        provenance={"scale": "log"},
    )


def _global_state() -> str:
    state: Any = np.random.get_state()  # noqa: NPY002
    return repr(state)


OWN_COHORTS = {
    "ld_decay": "haplotypes",  # of many variable sites
    "mean_r2": "haplotypes",
    "gap_share": "studies",  # of two under one label
    "pathway_agreement": "studies",  # of more genes
}
CASES = [
    pytest.param(metric, OWN_COHORTS.get(metric.name, kind), id=f"{metric.name}-{kind}")
    for metric in METRICS
    for kind in metric.kinds
]
NEEDS_NO_DRAW = {"exact_copies", "impossible_values"}


@pytest.fixture(scope="module")
def comparisons() -> dict[str, Comparison]:
    """Real patients in the synthetic place, of each kind."""
    return {
        "expression": Comparison(_patients(240, 1), _patients(210, 2), _patients(240, 3)),
        "studies": Comparison(studies(400, 1), studies(300, 2), studies(400, 3)),
        "sequence": Comparison(sequences.patients(400, 1), sequences.patients(300, 2), sequences.patients(300, 3)),
        "haplotypes": Comparison(
            sequences.haplotypes(400, 1), sequences.haplotypes(300, 2), sequences.haplotypes(300, 3)
        ),
        "image": Comparison(
            images.cells(400, 1), images.cells(260, 2), images.cells(260, 3), image_models=images.image_models()
        ),
    }


@pytest.fixture(scope="module")
def tiny() -> dict[str, Comparison]:
    """Too few patients for any figure."""
    return {
        "expression": Comparison(_patients(12, 1), _patients(8, 2), _patients(12, 3)),
        "studies": Comparison(studies(12, 1), studies(8, 2), studies(12, 3)),
        "sequence": Comparison(sequences.patients(12, 1), sequences.patients(8, 2), sequences.patients(12, 3)),
        "haplotypes": Comparison(sequences.haplotypes(12, 1), sequences.haplotypes(8, 2), sequences.haplotypes(12, 3)),
        "image": Comparison(
            images.cells(12, 1), images.cells(8, 2), images.cells(12, 3), image_models=images.image_models()
        ),
    }


def test_names_are_unique() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_a_figure_lies_in_its_interval_and_bounds_beside_reference_and_chance(
    metric: Metric, kind: str, comparisons: dict[str, Comparison]
) -> None:
    e = metric.compute(comparisons[kind], 0)
    assert e.status == "ok"
    assert e.value is not None
    assert e.low is not None
    assert e.high is not None
    assert e.low <= e.value <= e.high
    for number in (e.value, e.low, e.high, e.reference, e.chance):
        assert number is not None
        assert metric.bounds[0] is None or number >= metric.bounds[0]
        assert metric.bounds[1] is None or number <= metric.bounds[1] + 1e-9
    assert e.detail["interval"]
    assert e.explanation.endswith(".")
    assert e.source


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_real_in_the_synthetic_place_is_not_told_from_real(
    metric: Metric, kind: str, comparisons: dict[str, Comparison]
) -> None:
    e = metric.compute(comparisons[kind], 0)
    assert e.value is not None
    assert e.low is not None
    assert e.high is not None
    assert e.reference is not None
    half = (e.high - e.low) / 2
    assert abs(e.value - e.reference) <= 2 * half + 1e-9


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_same_seed_same_figure_and_plain_json(metric: Metric, kind: str, comparisons: dict[str, Comparison]) -> None:
    known = comparisons[kind]
    again = Comparison(known.train, known.holdout, known.synthetic, image_models=known.image_models)
    before = _global_state()
    first, second = metric.compute(known, 0).to_json(), metric.compute(again, 0).to_json()
    assert json.dumps(first, allow_nan=False) == json.dumps(second, allow_nan=False)
    assert _global_state() == before, "the global random state was touched"


@pytest.mark.parametrize(("metric", "kind"), [case for case in CASES if case.values[0].name not in NEEDS_NO_DRAW])  # type: ignore[union-attr]
def test_too_few_patients_are_not_evaluable_with_a_reason(
    metric: Metric, kind: str, tiny: dict[str, Comparison]
) -> None:
    e = metric.compute(tiny[kind], 0)
    assert e.status.startswith("not evaluable: ")
    assert len(e.status) > 30
    assert e.value is e.low is e.high is e.reference is e.chance is None
    json.dumps(e.to_json(), allow_nan=False)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_words_for_sequences_and_images_do_not_speak_of_genes(metric: Metric) -> None:
    if {"sequence", "image"} & set(metric.kinds):
        assert "gene " not in metric.explanation
        assert "genes" not in metric.explanation
