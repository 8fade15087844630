"""Rows behind the tables of grids, kept in docs/rows, so that seeds and files can be measured at different times.

A grid's folder is in `runs/`, which is not part of the repository. The rows of a table are therefore kept with the
documentation, and later runs with other seeds, classifiers or files add to them. Gains are paired within a seed, so all
arms of a seed should be measured on the same machine.
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
_MEASURED = [*ARM, "seed"]  # identifies what one job of a grid measures


def measured(block: str, grid: Grid, folder: Path, jobs: int, *, write: bool) -> pd.DataFrame:
    """Rows of a grid, run if necessary, together with those kept before; see `with_kept`."""
    harness.say(block)
    done = carry_out_grid(grid, folder, jobs=jobs)
    for failure in done.failed:
        harness.say(f"failed: {failure['job']}: {failure['reason']}")
    return with_kept(block, done.rows, write=write)


def with_kept(block: str, rows: pd.DataFrame, *, write: bool, folder: Path = FOLDER) -> pd.DataFrame:
    """New rows, and kept rows of arms and seeds that are not among them.

    Args:
        block: name of the table in docs/benchmarks.md.
        rows: tidy table of a grid.
        write: whether to keep the returned rows.
        folder: of the files.

    Returns:
        Rows with `machine`, `command` and `commit` of their measurement.
    """
    path = folder / f"{block.replace(' ', '-')}.parquet"
    rows = rows.assign(machine=harness.machine(), command=harness.command(), commit=harness.commit())
    if path.exists():
        kept = pd.read_parquet(path)
        again = pd.MultiIndex.from_frame(kept[_MEASURED]).isin(pd.MultiIndex.from_frame(rows[_MEASURED]))
        rows = pd.concat([kept[~again], rows], ignore_index=True)
    if write:
        path.parent.mkdir(exist_ok=True)
        with whole_file(path) as temporary:
            rows.to_parquet(temporary, index=False)
    return rows


def publish(block: str, text: str, rows: pd.DataFrame, *, write: bool) -> None:
    """Print or write a table of such rows with their seeds, machines, commands and commits."""
    measured = rows[["machine", "command", "commit"]].drop_duplicates().to_dict("records")
    seeds = sorted({int(seed) for seed in rows.seed})
    harness.publish(block, text, [{str(k): v for k, v in row.items()} for row in measured], seeds=seeds, write=write)
