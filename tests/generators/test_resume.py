"""An interrupted fit that goes on ends with the same bits as an uninterrupted one, for every data kind and family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cohortsmith.data import simulate
from cohortsmith.generators import make_generator
from cohortsmith.training import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cohortsmith.training import Progress

KINDS = {"expression": "simulated-expression", "sequence": "tp53-founding", "image": "simulated-cells"}
SMALL: dict[str, Any] = {"steps": 8, "width": 8, "batch_size": 8, "validate_every": 4}
FLOW = {"solver_steps": 3, "prior_width": 32, "prior_depth": 1}  # that makes the latents of an image VAE


class Killed(Exception):
    """In place of a kill."""


@pytest.mark.parametrize("family", ["gan", "wgan", "vae", "diffusion"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_fit_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, family: str
) -> None:
    cohort = simulate(KINDS[kind], 510 if kind == "expression" else 120, 0)  # fewer patients are in folds

    def stop(progress: Progress) -> None:
        if progress.step >= 5:
            raise Killed

    def fitted(folder: Path, on_progress: Callable[[Progress], None] | None = None) -> dict[str, np.ndarray]:
        own = FLOW if (kind, family) == ("image", "vae") else {}
        generator = make_generator(family, **SMALL, **own)
        runtime = Runtime(device="cpu", checkpoint=folder, checkpoint_every=1, on_progress=on_progress)
        generator.fit(cohort, seed=3, runtime=runtime)
        return generator._state()[0] | {"samples": generator.sample(20, seed=1).x}

    whole = fitted(tmp_path / "whole")
    monkeypatch.setattr("cohortsmith.training.loop._PROGRESS_EVERY", 0.0)
    with pytest.raises(Killed):
        fitted(tmp_path / "killed", stop)
    assert (tmp_path / "killed" / "checkpoint.json").is_file()
    resumed = fitted(tmp_path / "killed")
    different = [name for name in whole if not np.array_equal(whole[name], resumed[name], equal_nan=True)]
    assert not different
