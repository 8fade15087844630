"""How long networks train, and whether they are used: by patients set apart, or in folds where patients are few."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from cohortsmith.generators.pace import timed
from cohortsmith.training import Progress, isolated_rng, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cohortsmith.data import Cohort
    from cohortsmith.generators.binding import Binding
    from cohortsmith.training import Plan, Runtime, TrainingResult

FOLDS = 3
_FEW = 500  # patients below which all of them train, and folds tell for how long
_GAIN = 0.002  # of the loss before the first step: what is less is nothing


@dataclass(frozen=True)
class Training:
    """What training came to.

    Attributes:
        nets: trained networks by name; none where they add nothing to standard normal codes.
        result: of the last run; its history holds the validation losses, those of folds averaged.
        best_step: step of the weights used.
        gain: share of the validation loss before the first step that training saved; None where nothing was validated.
        remark: that fewer steps were taken than the settings ask for, for want of time.
    """

    nets: dict[str, nn.Module]
    result: TrainingResult
    best_step: int
    gain: float | None
    remark: str | None = None


def trained(
    bound: Binding, x: Tensor, groups: Tensor, cohort: Cohort, plan: Plan, runtime: Runtime, seed: int
) -> Training:
    """Train a binding's networks on codes x (n, ...) of groups (n,) of a cohort.

    Where standard normal codes already are synthetic patients (`Codec.gaussian`), networks that do not lower the
    validation loss by a five-hundredth are left out.
    """
    rng, share = np.random.default_rng([seed, 1]), bound.objective.validation
    y = torch.from_numpy(cohort.y)

    def build() -> dict[str, nn.Module]:
        with isolated_rng(seed):
            return bound.build(len(cohort.classes))

    def run(plan: Plan, rows: NDArray[np.int64], apart: NDArray[np.int64], runtime: Runtime) -> TrainingResult:
        nets = build()
        held_out = (x[apart], groups[apart]) if len(apart) else None
        return train(
            bound.objective,
            nets,
            x[rows],
            groups[rows],
            plan=plan,
            seed=seed,
            runtime=runtime,
            validation=held_out,
            views=bound.codec.views,
            classes=y[rows],
        )

    plan, pace = timed(bound, build(), x, groups, plan, runtime, seed)
    everybody = np.arange(len(x))
    if not share:
        result = run(plan, everybody, np.arange(0), runtime)
        return Training(result.nets, result, result.best_step, None, pace.remark(plan.steps))
    plan = replace(plan, validate_first=bound.codec.gaussian)
    if bound.codec.gaussian and len(np.unique(cohort.subjects)) < _FEW and plan.patience:
        return _in_folds(run, cohort, plan, runtime, rng)
    apart = _set_apart(cohort, share, rng)
    result = run(plan, np.setdiff1d(everybody, apart), apart, runtime)
    if not bound.codec.gaussian:
        return Training(result.nets, result, result.best_step, None, pace.remark(plan.steps))
    curve = [row["validation_loss"] for row in result.history if "validation_loss" in row]
    gain = _gain(np.array(curve))
    return Training(result.nets if gain >= _GAIN else {}, result, result.best_step if gain >= _GAIN else 0, gain)


def _in_folds(
    run: Callable[[Plan, NDArray[np.int64], NDArray[np.int64], Runtime], TrainingResult],
    cohort: Cohort,
    plan: Plan,
    runtime: Runtime,
    rng: np.random.Generator,
) -> Training:
    """Train without each fold in turn; then on everybody for as many steps as was best on average."""
    fold = _folds(cohort, rng)
    results = [
        run(
            plan,
            np.flatnonzero(fold != part),
            np.flatnonzero(fold == part),
            replace(_part_of(runtime, plan, part), checkpoint=None),  # minutes at most, and done again after a kill
        )
        for part in range(FOLDS)
    ]
    curves = [
        {int(row["step"]): row["validation_loss"] for row in result.history if "validation_loss" in row}
        for result in results
    ]
    steps = sorted(set.intersection(*map(set, curves)))
    mean = np.array([np.mean([curve[step] for curve in curves]) for step in steps])
    best, gain = steps[int(mean.argmin())], _gain(mean)
    validation = [{"step": float(step), "validation_loss": float(loss)} for step, loss in zip(steps, mean, strict=True)]
    if gain < _GAIN:
        return Training({}, replace(results[-1], history=validation), 0, gain)
    alone = replace(plan, validate_every=0, patience=0, validate_first=False, stop_at=best)
    result = run(alone, np.arange(len(cohort)), np.arange(0), _part_of(runtime, plan, FOLDS))
    history = sorted([*result.history, *validation], key=lambda row: row["step"])
    return Training(result.nets, replace(result, history=history, stopped_early=best < plan.steps), best, gain)


def _part_of(runtime: Runtime, plan: Plan, part: int) -> Runtime:
    """The runtime of one of the runs, folds and the last, whose progress is told as that of the whole."""
    whole, on_progress = (FOLDS + 1) * plan.steps, runtime.on_progress
    if on_progress is None:
        return runtime
    started = time.perf_counter()

    def tell(progress: Progress) -> None:
        step = part * plan.steps + progress.step
        left = progress.seconds_left + (FOLDS - part) * plan.steps * progress.seconds / max(progress.step, 1)
        on_progress(Progress(step, whole, time.perf_counter() - started, left, progress.metrics))

    return replace(runtime, on_progress=tell)


def _gain(curve: NDArray[np.float64]) -> float:
    """Share of the first loss that the best one saves."""
    return float((curve[0] - curve.min()) / max(abs(curve[0]), 1e-12))


def _folds(cohort: Cohort, rng: np.random.Generator) -> NDArray[np.int64]:
    """Fold (n,) of each row: whole patients, every class spread evenly."""
    names, first, of = np.unique(cohort.subjects, return_index=True, return_inverse=True)
    order = rng.permutation(len(names))
    order = order[np.argsort(cohort.y[first][order], kind="stable")]
    fold = np.empty(len(names), np.int64)
    fold[order] = np.arange(len(names)) % FOLDS
    return np.asarray(fold[of])


def _set_apart(cohort: Cohort, share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows to stop early on: whole patients, the same share of every class that has enough."""
    names, first, of = np.unique(cohort.subjects, return_index=True, return_inverse=True)
    chosen: list[np.int64] = []
    for label in range(len(cohort.classes)):
        own = np.flatnonzero(cohort.y[first] == label)
        chosen.extend(rng.permutation(own)[: round(share * len(own))])
    return np.flatnonzero(np.isin(of, chosen or [rng.integers(len(names))]))
