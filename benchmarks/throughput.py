"""Utilisation of the machine in training: operations per step relative to the measured peak of matrix products."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from cohortsmith.generators.kinds import bind
from cohortsmith.training import Runtime, fast_precision, place, train

if TYPE_CHECKING:
    from cohortsmith.data import Cohort
    from cohortsmith.generators import Generator

_ROUNDS = 8  # enough steps to include updates that are not done at every step
_SIDE = 4096


def training_rate(generator: Generator, cohort: Cohort) -> dict[str, float] | None:
    """Images per second of a fit, teraflops (10^12 floating-point operations per second), and their share of the peak.

    Operations are counted by PyTorch over a few steps (convolutions and matrix products, forward and backward); the
    time is that of the measured fit. None for generators without training.
    """
    seconds = generator.summary.get("train_seconds")
    if not seconds:
        return None
    bound = bind(cohort.kind, generator.family, generator.settings)
    loss = bound.objective
    some = cohort.take(np.random.default_rng(0).permutation(len(cohort))[:2048])
    x = torch.from_numpy(np.ascontiguousarray(bound.codec.fit_encode(some, np.random.default_rng(0))))
    groups, nets = bound.groups(some), bound.build(len(some.classes))
    plan = replace(loss.plan(len(cohort)), steps=_ROUNDS)
    with _Operations() as counter:
        train(loss, nets, x, groups, plan=plan, seed=0, runtime=Runtime(precision=fast_precision(Runtime())))
    steps = generator.summary["steps"]
    operations = counter.total / _ROUNDS * steps / seconds
    return {
        "images_a_second": steps * plan.batch_size / seconds,
        "teraflops": operations / 1e12,
        "share_of_peak": operations / peak_rate(),
    }


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations by PyTorch's formulas; PyTorch's counter does not support double backward."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket in flop_registry:
            self.total += flop_registry[func.overloadpacket](*args, **(kwargs or {}), out_val=out)
        return out


@cache
def peak_rate() -> float:
    """Operations per second of the best of five matrix products, in the precision used for training."""
    runtime = Runtime()
    device = place(runtime).device
    kind = torch.bfloat16 if fast_precision(runtime) == "bf16-mixed" else torch.float32
    a, b = (torch.ones((_SIDE, _SIDE), dtype=kind, device=device) for _ in range(2))
    best = float("inf")
    for _ in range(6):
        start = time.perf_counter()
        a @ b
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * _SIDE**3 / best
