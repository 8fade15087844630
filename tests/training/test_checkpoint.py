"""Checkpoints: exact resume, refusal of another run's, nothing half-written."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cohortsmith.training import (
    Batch,
    Plan,
    Progress,
    Runtime,
    TrainingError,
    TrainingResult,
    adam,
    isolated_rng,
    train,
)
from cohortsmith.training import checkpoint as disk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PLAN = Plan(
    steps=60, batch_size=16, log_every=7, validate_every=12, patience=9, balanced=True, warmup=0.2, decay="cosine"
)


class Stop(Exception):
    """Stands for whatever ends a run in its middle."""


@dataclasses.dataclass(frozen=True)
class Regression:
    """Fits y from x; dropout, noise, batch statistics and a validation loss make every kind of state count."""

    noise: float = 0.1

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        return {"model": adam(nets["model"].parameters(), weight_decay=0.01)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        noisy = batch.x + self.noise * batch.randn(batch.x.shape[1])
        batch.log("spread", noisy.std())
        yield "model", functional.mse_loss(nets["model"](noisy)[:, 0], batch.y.float())

    def validation_loss(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator) -> float:
        return float(functional.mse_loss(nets["model"](x)[:, 0], y.float()))


def fit(
    folder: Path | None = None, *, stop_at: int = 0, every: int = 10, plan: Plan = PLAN, seed: int = 0, shift: float = 0
) -> TrainingResult:
    def tell(progress: Progress) -> None:
        if stop_at and progress.step >= stop_at:
            raise Stop

    x = shift + torch.randn(70, 6, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0.5).long()
    with isolated_rng(2):
        net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.Dropout(0.3), nn.SiLU(), nn.Linear(16, 1))
    runtime = Runtime("cpu", checkpoint=folder, checkpoint_every=every, on_progress=tell)
    return train(Regression(), {"model": net}, x, y, plan=plan, seed=seed, runtime=runtime, validation=(x[:20], y[:20]))


def bits(result: TrainingResult) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in result.nets["model"].state_dict().items()}


@pytest.mark.parametrize("stop_at", [14, 35, 56])
@pytest.mark.parametrize("every", [5, 7])
def test_interrupted_run_resumes_to_the_same_bits(tmp_path: Path, stop_at: int, every: int) -> None:
    whole = fit()
    folder = tmp_path / "checkpoint"
    with pytest.raises(Stop):
        fit(folder, stop_at=stop_at, every=every)
    resumed = fit(folder, every=every)
    assert 0 < resumed.resumed_from <= stop_at
    assert resumed.resumed_from % every == 0
    assert bits(resumed) == bits(whole)
    assert resumed.history == whole.history
    assert (resumed.steps, resumed.best_step) == (whole.steps, whole.best_step)


def test_run_interrupted_again_and_again_resumes_to_the_same_bits(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    for stop_at in (7, 21, 28, 49):
        with pytest.raises(Stop):
            fit(folder, stop_at=stop_at, every=3)
    assert bits(fit(folder, every=3)) == bits(fit())


def test_checkpoint_alone_changes_nothing_and_stays_for_the_caller(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "checkpoint"
    assert bits(fit(folder)) == bits(fit())
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.json", "state-50.safetensors"]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"shift": 1.0}, "data"),
        ({"plan": dataclasses.replace(PLAN, learning_rate=0.1)}, "plan"),
    ],
)
def test_checkpoint_of_another_run_is_refused_and_kept(tmp_path: Path, other: dict[str, object], named: str) -> None:
    fit(tmp_path / "checkpoint")
    before = (tmp_path / "checkpoint" / "checkpoint.json").read_bytes()
    with pytest.raises(TrainingError, match=rf"another run \(different {named}\); delete it or choose another folder"):
        fit(tmp_path / "checkpoint", **other)  # type: ignore[arg-type]
    assert (tmp_path / "checkpoint" / "checkpoint.json").read_bytes() == before


def test_broken_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    fit(folder)
    state = folder / "state-50.safetensors"
    whole = state.read_bytes()
    state.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrainingError, match="is broken"):
        fit(folder)
    state.write_bytes(whole)
    content = json.loads((folder / "checkpoint.json").read_text())
    del content["values"]["pending"]
    (folder / "checkpoint.json").write_text(json.dumps(content))
    with pytest.raises(TrainingError, match="is incomplete"):
        fit(folder)
    (folder / "checkpoint.json").write_text("{")
    with pytest.raises(TrainingError, match="is broken"):
        fit(folder)


def test_folder_with_other_files_is_not_taken_for_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(TrainingError, match="contains other files"):
        fit(tmp_path)
    with pytest.raises(TrainingError, match="is a file"):
        fit(tmp_path / "thesis.txt")


def test_write_that_fails_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = {"seed": "0"}
    disk.write_checkpoint(tmp_path, disk.Checkpoint(10, identity, {"a": torch.ones(2)}))

    def full(tensors: dict[str, Tensor], path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cohortsmith.training.checkpoint.save_file", full)
    with pytest.raises(TrainingError, match="could not be written.*No space left"):
        disk.write_checkpoint(tmp_path, disk.Checkpoint(20, identity, {"a": torch.zeros(2)}))
    found = disk.read_checkpoint(tmp_path, identity)
    assert found is not None
    assert found.step == 10
    assert torch.equal(found.tensors["a"], torch.ones(2))
    assert not list(tmp_path.glob("*.partial"))


def test_checkpoint_holds_no_patient(tmp_path: Path) -> None:
    fit(tmp_path / "checkpoint", shift=0.0)
    found = disk.read_checkpoint(tmp_path / "checkpoint", {})
    assert found is not None
    x = torch.randn(70, 6, generator=torch.Generator().manual_seed(0))
    values = set(x.flatten().tolist())
    kept = {value for tensor in found.tensors.values() for value in tensor.double().flatten().tolist()}
    assert not kept & values
