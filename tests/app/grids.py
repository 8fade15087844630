"""Small grids for tests: few patients, few genes, few steps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd

from cohortsmith.app.config.grid import read_grid
from cohortsmith.app.grid.results import TIMES

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.app.config.grid import Grid

KEYS = ["data", "labelled", "family", "learn_from", "ratio", "role", "classifier", "seed", "part", "label"]

SMALL = """
seeds = [0, 1]
labelled = [30]
[data.sim]
cohort = COHORT
[virtual]
families = ["mvn"]
ratios = [0, 1, "balance"]
roles = ["labelled", "unlabelled", "both", "alone"]
[classifiers.supervised]
backbone_settings = { widths = [8, 8, 8] }
steps = 5
[classifiers.masked]
pretext = "masked"
backbone_settings = { widths = [8, 8, 8] }
pretext_settings = { epochs = 2, batch_size = 32 }
epochs = 3
batch_size = 16
[classifiers.frozen]
pretext = "masked"
backbone_settings = { widths = [8, 8, 8] }
pretext_settings = { epochs = 2, batch_size = 32 }
epochs = 3
batch_size = 16
frozen = "all"
[fusions]
together = ["supervised", "masked"]
"""

# The least that there is to do: two classifiers, one generator.
TINY = """
labelled = [30]
[data.sim]
cohort = COHORT
[virtual]
families = ["mvn"]
[classifiers.supervised]
backbone_settings = { widths = [8, 8, 8] }
steps = 5
[classifiers.masked]
pretext = "masked"
backbone_settings = { widths = [8, 8, 8] }
pretext_settings = { steps = 5 }
steps = 5
"""


def toml(folder: Path, cohort: Path | str, text: str = SMALL) -> Path:
    """A grid's file, of that cohort."""
    path = folder / "study.toml"
    path.write_text(text.replace("COHORT", json.dumps(str(cohort))))
    return path


def grid(folder: Path, cohort: Path | str, text: str = SMALL) -> Grid:
    return read_grid(toml(folder, cohort, text))


def figures(rows: pd.DataFrame) -> pd.DataFrame:
    """What does not change from one run of a grid to the next, in one order."""
    kept = rows.drop(columns=[name for name in TIMES if name != "epochs"])
    tables = [None if one is None else [list(map(int, row)) for row in one] for one in kept["confusion"]]
    kept = kept.assign(confusion=pd.Series(tables, index=kept.index, dtype=object))
    return kept.sort_values(KEYS).reset_index(drop=True)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(figures(one), figures(other), check_exact=True)
