"""Every command takes a cohort of one class, with a label column or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.data.io.test_one_class import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("label", ["", "case"])
def test_every_command_takes_a_cohort_of_one_class(tmp_path: Path, cohortsmith: Callable[..., Any], label: str) -> None:
    train, holdout = (table(tmp_path / f"{name}.csv", n, label, seed=n) for name, n in (("train", 90), ("holdout", 60)))
    out = cohortsmith("fit", train, "--family", "copula", "--out", tmp_path / "model")
    assert out.code == 0, out.err
    made = tmp_path / "made.csv"
    assert cohortsmith("sample", tmp_path / "model", "--n", 90, "--out", made).code == 0
    sides = ("--train", train, "--holdout", holdout, "--synthetic", made)
    out = cohortsmith("evaluate", *sides, "--out", tmp_path / "report")
    assert out.code == 0, out.err
    assert "a classifier needs two classes" in out.out
    out = cohortsmith("audit", *sides, "--out", tmp_path / "audit")
    assert out.code in (0, 1, 3), out.err
    assert (tmp_path / "audit" / "audit.json").is_file()
    assert cohortsmith("data", "describe", train).code == 0
