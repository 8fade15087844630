"""The pace is measured before training, and as many steps taken as fit into the minutes there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cohortsmith.data import simulate
from cohortsmith.generators import Diffusion
from cohortsmith.training import Progress, Runtime, planned_steps

if TYPE_CHECKING:
    from pathlib import Path

SMALL: dict[str, Any] = {"width": 8, "depth": 1, "sampling_steps": 2, "batch_size": 8}


def test_fewer_steps_are_taken_where_there_is_no_time_and_that_is_told() -> None:
    told: list[Progress] = []
    cells = simulate("simulated-cells", 60, 0)
    model = Diffusion(steps=100_000, epochs=1_000_000, minutes=0.02, **SMALL).fit(
        cells, seed=0, runtime=Runtime(on_progress=told.append)
    )
    steps = model.summary["steps"]
    assert 50 <= steps < 100_000
    assert model.history[-1]["step"] == steps
    (remark,) = [line for line in model.summary["remarks"] if "steps, at" in line]
    assert remark.startswith(f"{steps:,} of 100,000 steps")
    # The plan is told before the first step, with the time that it takes.
    assert (told[0].step, told[0].steps) == (0, steps)
    assert told[0].seconds_left > 0


def test_a_plan_that_fits_is_kept_and_nothing_is_said() -> None:
    cells = simulate("simulated-cells", 60, 0)
    model = Diffusion(steps=51, minutes=60.0, **SMALL).fit(cells, seed=0)
    assert model.summary["steps"] == 51
    assert model.summary["remarks"] == []
    free = Diffusion(steps=51, minutes=0.0, **SMALL).fit(cells, seed=0)
    assert free.sample(9, seed=1).digest() == model.sample(9, seed=1).digest(), "measuring changes nothing"


def test_an_interrupted_fit_keeps_the_steps_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.step >= 20:
            raise Killed

    def fit(on_progress: Any) -> Diffusion:
        runtime = Runtime(checkpoint=tmp_path / "run", checkpoint_every=5, on_progress=on_progress)
        cells = simulate("simulated-cells", 60, 0)
        return Diffusion(steps=100_000, epochs=1_000_000, minutes=0.03, **SMALL).fit(cells, seed=0, runtime=runtime)

    monkeypatch.setattr("cohortsmith.training.loop._PROGRESS_EVERY", 0.0)
    with pytest.raises(Killed):
        fit(stop)
    begun = planned_steps(tmp_path / "run")
    assert begun is not None
    model = fit(None)
    assert model.summary["steps"] == begun
    assert model.summary["resumed_from"] >= 15
