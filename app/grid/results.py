"""The table of a grid: rows of an arm, one file a job; fusions of saved probabilities; all of them in one Parquet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from cohortsmith.data.io import whole_file
from cohortsmith.evaluation.core import scores
from cohortsmith.ssl_models.fusion import Fusion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from cohortsmith.app.config import Arm
    from cohortsmith.app.grid.arms import Parts
    from cohortsmith.data import Cohort

TEXTS = ("data", "labelled", "family", "learn_from", "ratio", "role", "classifier", "part", "label", "pretext")
COUNTS = ("n_labelled", "seed", "n", "steps", "parameters")
FIGURES = ("accuracy", "mean_class_accuracy", "macro_f1", "auc", "brier", "cross_entropy")
TIMES = ("epochs", "seconds", "seconds_an_epoch")
_ORDER = (
    "data", "labelled", "n_labelled", "family", "learn_from", "ratio", "role", "classifier", "seed", "part", "label",
    "n", *FIGURES, "confusion", "steps", *TIMES, "pretext", "parameters",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        (
            name,
            pa.string() if name in TEXTS
            else pa.int64() if name in COUNTS
            else pa.list_(pa.list_(pa.int64())) if name == "confusion"
            else pa.float64(),
        )
        for name in _ORDER
    ]
)  # fmt: skip

Probabilities = dict[str, "NDArray[np.float64]"]  # of `validation` and `test`, each (n, classes)
ResultRows = list[dict[str, Any]]
WEIGHTED = " (weighted)"  # after the name of a fusion whose weights are chosen on validation


def rows_of(arm: Arm, parts: Parts, probabilities: Probabilities, facts: Mapping[str, Any]) -> ResultRows:
    """Rows of an arm: of validation and test, of all classes together and of each.

    Args:
        arm: its names.
        parts: whose validation and test patients the probabilities are of.
        probabilities: of each part.
        facts: n_labelled, steps, epochs, seconds, seconds_an_epoch, pretext, parameters.
    """
    same = {
        "data": arm.data,
        "labelled": arm.labelled,
        "family": arm.family,
        "learn_from": arm.learn_from,
        "ratio": arm.ratio,
        "role": arm.role,
        "classifier": arm.classifier,
        "seed": arm.seed,
        **facts,
    }
    sides: dict[str, Cohort] = {"validation": parts.validation, "test": parts.test}
    return [
        {**same, "part": part, **row}
        for part, side in sides.items()
        for row in scores(side.y, probabilities[part], side.classes).rows()
    ]


def write_rows(path: Path, rows: ResultRows) -> None:
    """Write rows as one Parquet file, whole; a figure that a class has none of is NaN."""
    table = pa.Table.from_pylist([{name: row.get(name) for name in _ORDER} for row in rows], schema=SCHEMA)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary)


def merge(paths: Iterable[Path], target: Path) -> pd.DataFrame:
    """Put the rows of all jobs into one Parquet file, and give them as a table."""
    tables = [pq.read_table(path, schema=SCHEMA) for path in paths]
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    with whole_file(target) as temporary:
        pq.write_table(table, temporary)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def write_probabilities(path: Path, probabilities: Probabilities) -> None:
    """Write the class probabilities of validation and test, float64 (n, classes), whole."""
    with whole_file(path) as temporary:
        save_file({name: np.ascontiguousarray(value) for name, value in probabilities.items()}, temporary)


def read_probabilities(path: Path) -> Probabilities:
    """What `write_probabilities` wrote."""
    found: Probabilities = load_file(path)
    return found


def fuse(name: str, arms: list[Arm], parts: Parts, probabilities: list[Probabilities], rows: list[Path]) -> ResultRows:
    """Rows of a fusion of arms that differ in their classifier: the product, and the one weighted on validation.

    Args:
        name: of the fusion.
        arms: its members.
        parts: whose validation and test patients the probabilities are of.
        probabilities: of each member.
        rows: file of each member; their steps, seconds and parameters are added up.
    """
    rows_read = [pq.read_table(path, schema=SCHEMA).slice(0, 1).to_pylist()[0] for path in rows]
    facts = {key: sum(one[key] for one in rows_read) for key in ("steps", "epochs", "seconds", "parameters")}
    facts["n_labelled"] = rows_read[0]["n_labelled"]
    facts["pretext"] = "+".join(dict.fromkeys(one["pretext"] for one in rows_read if one["pretext"]))
    validation = [one["validation"] for one in probabilities]
    both = {
        name: Fusion.product(len(arms)),
        f"{name}{WEIGHTED}": Fusion.chosen(validation, parts.validation.y),
    }
    found = []
    for fused, fusion in both.items():
        together = {part: fusion([one[part] for one in probabilities]) for part in ("validation", "test")}
        found += rows_of(replace(arms[0], classifier=fused), parts, together, facts)
    return found
