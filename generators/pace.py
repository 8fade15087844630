"""The pace of training, measured before it begins: how many steps a machine takes in the minutes there are."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cohortsmith.training import Progress, planned_steps, train

if TYPE_CHECKING:
    from torch import Tensor, nn

    from cohortsmith.generators.binding import Binding
    from cohortsmith.training import Plan, Runtime

_TRIAL, _WARM = 8, 3  # steps that are timed, and of them those that are not counted
_FEWEST = 50  # steps: fewer are taken, whatever the time


@dataclass(frozen=True)
class Pace:
    """What was measured.

    Attributes:
        seconds: of a step; None where nothing was measured.
        asked: steps that the settings ask for.
        minutes: that there are.
    """

    seconds: float | None
    asked: int
    minutes: float

    def remark(self, steps: int) -> str | None:
        """A line for the user where fewer steps than asked for were taken."""
        if self.seconds is None or steps >= self.asked:
            return None
        return (
            f"{steps:,} of {self.asked:,} steps, at {self.seconds:.2g} s each, so that training takes {self.minutes:g} "
            f"minutes and not {self.asked * self.seconds / 60:.0f} (minutes=0 takes all of them)"
        )


def timed(
    bound: Binding, nets: dict[str, nn.Module], x: Tensor, groups: Tensor, plan: Plan, runtime: Runtime, seed: int
) -> tuple[Plan, Pace]:
    """The plan with as many steps as fit into `minutes` of the family, and what was measured.

    A resumed run keeps the steps it began with. Copies of the networks are timed: the same seed and the same number of
    steps give the same model on every machine, but the number of steps follows from the machine.
    """
    minutes = bound.objective.minutes
    if not minutes or plan.privacy or plan.steps <= _FEWEST:
        return plan, Pace(None, plan.steps, minutes)
    seconds: dict[int, float] = {}

    def note(progress: Progress) -> None:
        seconds[progress.step] = progress.seconds

    begun = planned_steps(runtime.checkpoint)
    trial = replace(plan, steps=_TRIAL, log_every=1, validate_every=0, patience=0, validate_first=False, stop_at=0)
    quiet = replace(runtime, checkpoint=None, on_progress=note)
    train(
        bound.objective, copy.deepcopy(nets), x, groups, plan=trial, seed=seed, runtime=quiet, views=bound.codec.views
    )
    each = (seconds[_TRIAL] - seconds[_WARM]) / (_TRIAL - _WARM)
    fits = max(int(60 * minutes / max(each, 1e-9)), _FEWEST)
    steps = begun or min(plan.steps, fits)
    if runtime.on_progress:
        runtime.on_progress(Progress(0, steps, 0.0, steps * each, {}))
    log_every = min(plan.log_every, max(1, steps // 30))
    return replace(plan, steps=steps, log_every=log_every), Pace(each, plan.steps, minutes)
