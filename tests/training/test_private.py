"""Private training: clipping and noise against a slow loop, the ledger against Opacus's, resume, refusals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from opacus.accountants import PRVAccountant, RDPAccountant
from torch import Tensor, nn
from torch.nn import functional

from cohortsmith.training import (
    Batch,
    Plan,
    Privacy,
    Progress,
    Runtime,
    TrainingError,
    adam,
    isolated_rng,
    secret_of,
    train,
)
from cohortsmith.training.meter import Meter
from cohortsmith.training.privacy import epsilon_of, merged_charges, noise_multiplier
from cohortsmith.training.private import PrivateMoves
from cohortsmith.training.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PLAN = Plan(steps=12, batch_size=16, learning_rate=0.01, log_every=5, privacy=Privacy(3.0, 1e-3, secret=7))
CPU = torch.device("cpu")
MOVED: list[str] = []


@dataclass(frozen=True)
class Regression:
    """Fits y from x; its second player sees no patient."""

    blind: frozenset[str] = frozenset({"blind"})
    multiplicity: int = 2

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        return {name: adam(nets[name].parameters()) for name in ("model", "blind")}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        yield "model", self.private_loss(nets, batch, "model")

    def validation_loss(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator) -> float:
        return 0.0

    def private_moves(self, step: int, steps: int) -> Sequence[str]:
        return ("model", "blind") if step % 2 else ("model",)

    def private_loss(self, nets: Mapping[str, nn.Module], batch: Batch, player: str) -> Tensor:
        if player == "blind":
            assert batch.x.numel() == 0
            loss: Tensor = nets["blind"](functional.one_hot(batch.y, 2).float()).square().mean()
            return loss
        noisy = batch.x + 0.1 * batch.randn(batch.x.shape[1])
        return functional.mse_loss(nets["model"](noisy)[:, 0], batch.y.float())

    def private_moved(self, nets: Mapping[str, nn.Module], player: str) -> None:
        MOVED.append(player)


def cohort(n: int = 64) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, 6, generator=torch.Generator().manual_seed(0))
    return x, (x[:, 0] > 0).long()


def network() -> dict[str, nn.Module]:
    with isolated_rng(3):
        model = nn.Sequential(nn.Linear(6, 40), nn.SiLU(), nn.Linear(40, 40), nn.SiLU(), nn.Linear(40, 1))
        return {"model": model, "blind": nn.Linear(2, 1)}


def weights(nets: Mapping[str, nn.Module]) -> Tensor:
    return torch.cat([p.detach().flatten() for net in nets.values() for p in net.parameters()])


def moves_of(nets: dict[str, nn.Module], x: Tensor, y: Tensor, clip: float = 1.0) -> PrivateMoves:
    """Moves whose optimiser is plain descent at rate 1, so that a move is minus the gradient."""
    privacy = Privacy(3.0, 1e-3, clip, (0.5, 0.5), secret=7)
    descent = {name: torch.optim.SGD(nets[name].parameters(), lr=1.0) for name in ("model", "blind")}
    meter = Meter(CPU, lambda tensor: tensor)
    objective = replace(Regression(), multiplicity=1)
    return PrivateMoves(objective, nets, descent, x, y, plan=PLAN, privacy=privacy, meter=meter, views=None)


def still(self: Any, *shape: int) -> Tensor:
    return torch.full((len(self), *shape), 0.5)


def step_of(moves: PrivateMoves, noise: float) -> Tensor:
    before = weights({"model": moves.nets["model"]})
    moves.private["model"].noise_multiplier = noise
    moves.step(0)
    return before - weights({"model": moves.nets["model"]})


@pytest.mark.parametrize("at_once", [64_000_000, 4000])  # all patients together, and two at a time
def test_each_patients_gradient_is_clipped(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cohortsmith.training.private.SinglePatientBatch.randn", still)
    monkeypatch.setattr("cohortsmith.training.private._AT_ONCE", at_once)
    (x, y), nets, clip = cohort(), network(), 0.8
    x[5] *= 1000  # a patient like no other
    chosen = torch.rand(64, generator=torch.Generator().manual_seed(derive_seed(7, 10))) < 16 / 64
    expected = torch.zeros(sum(p.numel() for p in nets["model"].parameters()))
    clipped = 0
    for row in torch.nonzero(chosen).flatten():
        loss = functional.mse_loss(nets["model"](x[row : row + 1] + 0.05)[:, 0], y[row : row + 1].float())
        own = torch.cat([found.flatten() for found in torch.autograd.grad(loss, list(nets["model"].parameters()))])
        clipped += bool(own.norm() > clip)
        expected += own * min(1.0, clip / float(own.norm()))
    assert 0 < clipped < int(chosen.sum())
    found = step_of(moves_of(network(), x, y, clip), noise=0.0)
    torch.testing.assert_close(found, expected / 16, rtol=1e-4, atol=1e-6)


def test_one_patient_moves_the_sum_by_the_clip_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cohortsmith.training.private.SinglePatientBatch.randn", still)
    x, y = cohort()
    row = int((torch.rand(64, generator=torch.Generator().manual_seed(derive_seed(7, 10))) < 16 / 64).nonzero()[0])
    steps = []
    for value in (0.0, 1e4, float("inf")):
        x[row] = value
        steps.append(step_of(moves_of(network(), x, y), noise=0.0))
        assert torch.isfinite(steps[-1]).all()
    assert max(float((a - b).norm()) for a in steps for b in steps) <= 2 / 16 + 1e-5


def test_noise_is_as_large_as_the_ledger_says() -> None:
    x, y = cohort()
    noise = step_of(moves_of(network(), x, y), noise=3.0) - step_of(moves_of(network(), x, y), noise=0.0)
    # Patients' own noise differs too, which is small beside it.
    assert float(noise.std()) == pytest.approx(3.0 * 1.0 / 16, rel=0.06)
    assert abs(float(noise.mean())) < 0.02


def test_patients_are_drawn_each_by_itself() -> None:
    x, y = cohort()
    moves = moves_of(network(), x, y)
    sizes = torch.tensor([int((torch.rand(64, generator=moves.sampling) < moves.rate).sum()) for _ in range(400)])
    assert moves.rate == 0.25
    assert float(sizes.float().mean()) == pytest.approx(16, abs=0.6)
    assert float(sizes.float().var()) == pytest.approx(64 * 0.25 * 0.75, rel=0.25)


def test_a_step_without_patients_is_noise() -> None:
    x, y = cohort(4)
    moves = moves_of(network(), x, y)
    moves.rate = 0.0
    assert step_of(moves, noise=0.0).abs().max() == 0


@pytest.mark.parametrize(("accountant", "ledger"), [("prv", PRVAccountant), ("rdp", RDPAccountant)])
def test_epsilon_is_opacus_own(accountant: str, ledger: Any) -> None:
    own = ledger()
    for noise, rate, times in ((9.0, 1.0, 2), (1.5, 0.1, 30)):
        for _ in range(times):
            own.step(noise_multiplier=noise, sample_rate=rate)
    charges = [(9.0, 1.0, 1), (9.0, 1.0, 1), (1.5, 0.1, 30)]
    assert merged_charges(charges) == tuple(own.history)
    assert epsilon_of(charges, 1e-5, accountant) == own.get_epsilon(delta=1e-5)
    assert epsilon_of([], 1e-5) == 0


@pytest.mark.parametrize("epsilon", [0.5, 8.0])
def test_noise_is_found_for_the_epsilon_asked(epsilon: float) -> None:
    charges = [(20 / epsilon, 1.0, 2)]
    noise = noise_multiplier(epsilon, 1e-5, rate=0.05, times=100, charges=charges)
    spent = epsilon_of([*charges, (noise, 0.05, 100)], 1e-5)
    assert 0.98 * epsilon <= spent <= epsilon


def test_a_budget_already_spent_is_refused() -> None:
    with pytest.raises(TrainingError, match="epsilon: 0.5 is too small"):
        noise_multiplier(0.5, 1e-5, rate=0.05, times=10, charges=[(1.0, 1.0, 1)], accountant="rdp")


def test_a_run_spends_no_more_than_asked_and_tells_no_loss() -> None:
    MOVED.clear()
    result = train(
        Regression(),
        network(),
        *cohort(),
        plan=replace(PLAN, privacy=Privacy(3.0, 1e-3, class_shares=(0.5, 0.5))),
        seed=0,
    )
    told = result.privacy or {}
    assert 2.9 < told["epsilon_spent"] <= told["epsilon"] == 3.0
    assert told["steps"] == 12
    assert told["charges"] == [[told["noise_multiplier"], 0.25, 12]]
    assert (told["sample_rate"], told["accountant"], told["clip"], told["delta"]) == (0.25, "prv", 1.0, 1e-3)
    assert set().union(*result.history) == {"step", "gradient_model", "loss_blind"}
    assert MOVED == ["model", "model", "blind"] * 6


def test_a_written_seed_does_not_give_the_noise_away() -> None:
    plans = [replace(PLAN, privacy=Privacy(3.0, 1e-3, class_shares=(0.5, 0.5))) for _ in range(2)]
    assert "secret" not in repr(plans[0])
    one, other = (weights(train(Regression(), network(), *cohort(), plan=plan, seed=0).nets) for plan in plans)
    assert not torch.equal(one, other)


def test_a_resumed_run_restores_the_ledger_and_the_noise(tmp_path: Path) -> None:
    class Stop(Exception):
        """Stands for whatever ends a run in its middle."""

    def tell(progress: Progress) -> None:
        if progress.step >= 10:
            raise Stop

    def fit(secret: int, runtime: Runtime) -> Any:
        plan = replace(PLAN, privacy=Privacy(3.0, 1e-3, class_shares=(0.5, 0.5), secret=secret))
        return train(Regression(), network(), *cohort(), plan=plan, seed=0, runtime=runtime)

    assert secret_of(tmp_path / "run") != secret_of(None)
    with pytest.raises(Stop):
        fit(7, Runtime("cpu", checkpoint=tmp_path / "run", checkpoint_every=4, on_progress=tell))
    assert secret_of(tmp_path / "run") == 7
    resumed = fit(secret_of(tmp_path / "run"), Runtime("cpu", checkpoint=tmp_path / "run"))
    whole = fit(7, Runtime("cpu"))
    assert resumed.resumed_from == 8
    assert resumed.privacy == whole.privacy
    assert torch.equal(weights(resumed.nets), weights(whole.nets))


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"validate_every": 5}, "validate_every: expected 0"), ({"balanced": True}, "balanced: expected False")],
)
def test_what_looks_at_patients_unpaid_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(TrainingError, match=says):
        replace(PLAN, **settings)


@pytest.mark.parametrize(
    ("values", "says"), [((0.0, 0.1), "epsilon"), ((1.0, 1.0), "delta"), ((1.0, 0.1, 0.0), "clip")]
)
def test_a_budget_out_of_range_is_refused(values: tuple[float, ...], says: str) -> None:
    with pytest.raises(TrainingError, match=f"{says}: expected"):
        Privacy(**dict(zip(("epsilon", "delta", "clip"), values, strict=False)))  # type: ignore[arg-type]


def test_an_objective_without_losses_of_single_patients_is_refused() -> None:
    class Plain:
        players, losses, validation_loss = Regression.players, Regression.losses, Regression.validation_loss

    with pytest.raises(TrainingError, match="Plain: this objective cannot be trained privately"):
        train(Plain(), network(), *cohort(), plan=PLAN, seed=0)
