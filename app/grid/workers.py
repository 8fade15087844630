"""What runs the jobs of a grid: this process, processes beside it (loky), or a cluster (dask, ray), through joblib."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cohortsmith.app.terminal import say
from cohortsmith.data import DataError
from cohortsmith.data.suggestions import near_misses
from cohortsmith.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BACKENDS = ("sequential", "loky", "dask", "ray")


@dataclass(frozen=True)
class Task:
    """A function with its arguments; the lines it returns are shown to the user."""

    name: str
    function: Callable[..., list[str]]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class TaskOutcome:
    """What became of a job: lines to tell, and why it failed, "" where it did not."""

    name: str
    lines: list[str]
    failure: str = ""


def attempt(task: Task, threads: int = 0) -> TaskOutcome:
    """Do a job; bad input and training that went wrong are its outcome, any other error is ours and goes on.

    Args:
        task: what to do.
        threads: that PyTorch may use; 0 leaves them as they are.
    """
    if threads:
        import torch

        torch.set_num_threads(threads)
    try:
        return TaskOutcome(task.name, task.function(*task.arguments))
    except (DataError, TrainingError) as error:
        return TaskOutcome(task.name, [], " ".join(str(error).split()))


@dataclass(frozen=True)
class Workers:
    """Workers that are ready.

    Attributes:
        backend: joblib's name of them; "sequential" is this process.
        count: how many.
        threads: of PyTorch in each; 0 leaves them as they are.
        options: of joblib's backend.
    """

    backend: str = "sequential"
    count: int = 1
    threads: int = 0
    options: tuple[tuple[str, Any], ...] = ()

    def do(self, jobs: Sequence[Task]) -> Iterator[TaskOutcome]:
        """Outcomes as they come, in any order."""
        if self.backend == "sequential":
            for job in jobs:
                yield attempt(job)
            return
        from joblib import Parallel, delayed, parallel_config

        with parallel_config(backend=self.backend, n_jobs=self.count, **dict(self.options)):
            # joblib's pools, which ray's is one of, give everything at once; files are written as they come anyhow
            as_they_come = "list" if self.backend == "ray" else "generator_unordered"
            yield from Parallel(return_as=as_they_come, batch_size=1)(
                delayed(attempt)(job, self.threads) for job in jobs
            )


def check_workers(backend: str, jobs: int, cluster: str) -> str:
    """Backend to use: the one named, else dask for a cluster and loky without one.

    Raises:
        DataError: an unknown backend, one whose package is not installed, or a cluster with another than dask.
    """
    chosen = backend or ("dask" if cluster else "loky")
    if chosen not in BACKENDS:
        raise DataError(
            f"--backend: one of {', '.join(BACKENDS)} was expected; got {backend!r}{near_misses(backend, BACKENDS)}"
        )
    if jobs < 1:
        raise DataError(f"--jobs must be at least 1; got {jobs}")
    if cluster and chosen != "dask":
        raise DataError(f"--cluster is the address of a dask scheduler; leave --backend {chosen} out, or say dask")
    module, package = {"dask": ("distributed", "dask[distributed]"), "ray": ("ray", "ray")}.get(chosen, ("joblib", ""))
    try:
        import_module(module)
    except ImportError:
        raise DataError(
            f"--backend {chosen} needs the package {package}; install it with: pip install '{package}'"
        ) from None
    return "sequential" if chosen == "loky" and jobs == 1 else chosen


@contextmanager
def workers(backend: str, jobs: int, cluster: str) -> Iterator[Workers]:
    """Start workers, or take those of a cluster, and let them go when the block ends.

    Raises:
        DataError: as `check_workers`; a cluster that does not answer, or whose workers do several jobs in one process.
    """
    backend = check_workers(backend, jobs, cluster)
    if backend == "sequential":
        yield Workers()
    elif backend == "dask":
        with _dask(jobs, cluster) as ready:
            yield ready
    elif backend == "ray":
        import_module("ray.util.joblib").register_ray()
        yield Workers("ray", jobs, _threads(jobs))
    else:
        yield Workers("loky", jobs, _threads(jobs), (("inner_max_num_threads", _threads(jobs)),))


@contextmanager
def _dask(jobs: int, cluster: str) -> Iterator[Workers]:
    dask: Any = import_module("dask")
    distributed: Any = import_module("distributed")
    if not cluster:
        # One thread a worker: seeds of PyTorch are the process's. No memory limit: what is too large fails by itself.
        options = {
            "n_workers": jobs,
            "threads_per_worker": 1,
            "memory_limit": 0,
            "dashboard_address": None,
            "silence_logs": logging.ERROR,
        }
        with (
            dask.config.set({"distributed.worker.daemon": False}),
            distributed.LocalCluster(**options, processes=True) as local,
            distributed.Client(local, set_as_default=False) as client,
        ):
            yield Workers("dask", jobs, _threads(jobs), (("client", client),))
        return
    try:
        client = distributed.Client(cluster, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise DataError(f"--cluster {cluster}: no dask scheduler answers there ({error})") from None
    with client:
        threads = client.nthreads()
        if not threads:
            raise DataError(f"--cluster {cluster}: the scheduler has no workers yet; start some first")
        if max(threads.values()) > 1:
            raise DataError(
                f"--cluster {cluster}: a worker there runs {max(threads.values())} jobs in one process, and random "
                "draws need one each; start workers with: dask worker ADDRESS --nworkers N --nthreads 1"
            )
        say(f"{len(threads)} workers at {cluster}")
        yield Workers("dask", len(threads), 0, (("client", client),))


def _threads(jobs: int) -> int:
    """Threads of each of several workers on this machine, no more than were allowed from outside."""
    from joblib import cpu_count

    cores: int = cpu_count()
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    share = max(1, cores // jobs)
    return min(share, int(allowed)) if allowed.isdigit() and int(allowed) else share
