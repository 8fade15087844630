"""Rows behind the tables of grids, kept in docs/rows: seeds and files may be measured on different days and machines.

A grid's folder lies in `runs/`, which a fresh checkout lacks. What a table was made of is therefore kept beside it, and
a later run of other seeds, classifiers or files adds to it. A gain is paired within a seed, so an arm's seed should be
measured where that seed's reference was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from benchmarks import harness
from cohortsmith.app.grid.run import carry_out_grid
from cohortsmith.data.io.atomic import whole_file
from cohortsmith.evaluation.study.paired_gains import ARM

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.app.config.grid import Grid

FOLDER = harness.ROOT / "docs" / "rows"
_MEASURED = [*ARM, "seed"]  # what one job of a grid has measured


def measured(block: str, grid: Grid, folder: Path, jobs: int, *, write: bool) -> pd.DataFrame:
    """Rows of a grid, carried out where it is not yet, with those kept beside them; see `with_kept`."""
    harness.say(block)
    done = carry_out_grid(grid, folder, jobs=jobs)
    for failure in done.failed:
        harness.say(f"failed: {failure['job']}: {failure['reason']}")
    return with_kept(block, done.rows, write=write)


def with_kept(block: str, rows: pd.DataFrame, *, write: bool, folder: Path = FOLDER) -> pd.DataFrame:
    """Rows just measured, and those kept of arms and seeds that are not among them.

    Args:
        block: name of the table in docs/benchmarks.md.
        rows: tidy table of a grid.
        write: whether to keep what is returned.
        folder: of the files.

    Returns:
        Rows with the columns `machine`, where each was measured, and `command` and `commit`, of when it was written
        down.
    """
    path = folder / f"{block.replace(' ', '-')}.parquet"
    rows = rows.assign(machine=harness.machine(), command=harness.command(), commit=harness.commit())
    if path.exists():
        kept = pd.read_parquet(path)
        anew = pd.MultiIndex.from_frame(kept[_MEASURED]).isin(pd.MultiIndex.from_frame(rows[_MEASURED]))
        rows = pd.concat([kept[~anew], rows], ignore_index=True)
    if write:
        path.parent.mkdir(exist_ok=True)
        with whole_file(path) as temporary:
            rows.to_parquet(temporary, index=False)
    return rows


def publish(block: str, text: str, rows: pd.DataFrame, *, write: bool) -> None:
    """Print or write a table of such rows with the seeds, machines, commands and commits that it stems from."""
    measured = rows[["machine", "command", "commit"]].drop_duplicates().to_dict("records")
    seeds = sorted({int(seed) for seed in rows.seed})
    harness.publish(block, text, [{str(k): v for k, v in row.items()} for row in measured], seeds=seeds, write=write)
