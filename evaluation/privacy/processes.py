"""Fits of an attack, in this process or in several."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

T = TypeVar("T")


def in_processes(work: Callable[..., T], tasks: Sequence[tuple[Any, ...]], jobs: int) -> list[T]:
    """`work(*task)` of every task, in order, with `jobs` processes of one thread each; one job stays in this one."""
    if jobs == 1:
        return [work(*task) for task in tasks]
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        return list(Parallel(batch_size=1)(delayed(work)(*task) for task in tasks))
