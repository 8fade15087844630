"""The loop: what it learns, what it leaves alone, and that one seed gives one result."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cohortsmith.training import Batch, Plan, Progress, Runtime, TrainingError, adam, isolated_rng, place, train
from cohortsmith.training.average import WeightAverage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CPU = Runtime(device="cpu")


@dataclass(frozen=True)
class Regression:
    """Fits y from x; dropout and noise make every random stream count."""

    noise: float = 0.1

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        return {"model": adam(nets["model"].parameters())}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        noisy = batch.x + self.noise * batch.randn(batch.x.shape[1])
        batch.log("spread", noisy.std())
        yield "model", functional.mse_loss(nets["model"](noisy)[:, 0], batch.y.float())

    def validation_loss(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator) -> float:
        return float(functional.mse_loss(nets["model"](x)[:, 0], y.float()))


def cohort(n: int = 90, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 6, generator=generator)
    return x, (x[:, 0] > 0).long()


def network() -> dict[str, nn.Module]:
    with isolated_rng(3):
        return {"model": nn.Sequential(nn.Linear(6, 16), nn.Dropout(0.2), nn.SiLU(), nn.Linear(16, 1))}


def weights(nets: Mapping[str, nn.Module]) -> Tensor:
    return torch.cat([p.detach().flatten() for net in nets.values() for p in net.parameters()])


def test_learns_and_keeps_its_history() -> None:
    result = train(Regression(), network(), *cohort(), plan=Plan(steps=400, batch_size=32, log_every=100), seed=0)
    assert [row["step"] for row in result.history] == [100, 200, 300, 400]
    assert set(result.history[0]) == {"step", "loss", "spread"}
    assert result.history[-1]["loss"] < 0.5 * result.history[0]["loss"]
    assert result.steps == 400
    assert not result.nets["model"].training


def test_same_seed_same_bits_and_another_seed_others() -> None:
    plan = Plan(steps=40, batch_size=16, log_every=7)
    one, two, other = (train(Regression(), network(), *cohort(), plan=plan, seed=s, runtime=CPU) for s in (5, 5, 6))
    assert torch.equal(weights(one.nets), weights(two.nets))
    assert one.history == two.history
    assert not torch.equal(weights(one.nets), weights(other.nets))


def test_ambient_random_state_neither_matters_nor_changes() -> None:
    plan = Plan(steps=20, batch_size=16)
    torch.manual_seed(1)
    one = train(Regression(), network(), *cohort(), plan=plan, seed=5, runtime=CPU)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002 - the global state is what this is about
    random.seed(2)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index]  # noqa: NPY002
    two = train(Regression(), network(), *cohort(), plan=plan, seed=5, runtime=CPU)
    assert torch.equal(weights(one.nets), weights(two.nets))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    assert before[2] == random.getstate()


def test_isolated_rng_builds_the_same_network_each_time() -> None:
    assert torch.equal(weights(network()), weights(network()))


def test_steps_are_adam_steps_on_the_mean_gradient() -> None:
    """Without noise, dropout or average, the loop is plain full-batch Adam."""
    x, y = cohort(16)
    with isolated_rng(0):
        ours, plain = nn.Linear(6, 1), nn.Linear(6, 1)
    plain.load_state_dict(ours.state_dict())
    plan = Plan(steps=5, batch_size=16, ema_decay=0, learning_rate=0.01, decay="linear")
    train(Regression(noise=0), {"model": ours}, x, y, plan=plan, seed=0, runtime=CPU)
    optimizer = torch.optim.Adam(plain.parameters())
    for rate in (0.01, 0.008, 0.006, 0.004, 0.002):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        functional.mse_loss(plain(x)[:, 0], y.float()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    torch.testing.assert_close(weights({"": ours}), weights({"": plain}))


def test_gradient_is_clipped() -> None:
    x, y = cohort()

    class Steep(Regression):
        def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
            return {"model": torch.optim.SGD(nets["model"].parameters())}

        def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
            yield "model", 1e6 * nets["model"](batch.x).mean()

    nets = network()
    before = weights(nets)
    plan = Plan(steps=1, batch_size=8, learning_rate=1, clip_norm=0.5, ema_decay=0)
    after = weights(train(Steep(), nets, x, y, plan=plan, seed=0, runtime=CPU).nets)
    assert float((after - before).norm()) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(("steps", "decay", "tolerance"), [(30, 0.5, 1e-5), (1500, 0.995, 2e-3)])
def test_average_of_weights_follows_its_formula(steps: int, decay: float, tolerance: float) -> None:
    net = nn.Linear(1, 1, bias=False)
    average = WeightAverage({"net": net}, decay)
    expected = 0.0
    nn.init.zeros_(average.nets["net"].weight)  # type: ignore[arg-type]
    for step in range(steps):
        nn.init.constant_(net.weight, step + 1)
        average.update(step)
        past = min(decay, (1 + step) / (10 + step))
        expected = past * expected + (1 - past) * (step + 1)
    assert float(weights(average.nets)) == pytest.approx(expected, rel=tolerance)


def test_result_holds_the_averaged_weights() -> None:
    plain = train(Regression(), network(), *cohort(), plan=Plan(50, 8, ema_decay=0), seed=0, runtime=CPU)
    averaged = train(Regression(), network(), *cohort(), plan=Plan(50, 8), seed=0, runtime=CPU)
    assert plain.history == averaged.history
    moved = (weights(averaged.nets) - weights(network())).norm() / (weights(plain.nets) - weights(network())).norm()
    assert 0.5 < moved < 0.99


@dataclass(frozen=True)
class Duel:
    """Two players: the critic moves twice a step, the second loss goes through both networks."""

    seen: list[tuple[str, bool, bool]]

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        return {name: adam(nets[name].parameters(), betas=(0.0, 0.9)) for name in ("critic", "generator")}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        critic, generator = nets["critic"], nets["generator"]
        for fresh in (batch, batch.another()):
            before = weights({"": critic})
            fake = generator(fresh.randn(3)).detach()
            point = fresh.x.clone().requires_grad_()
            slope = torch.autograd.grad(critic(point).sum(), point, create_graph=True)[0]
            yield "critic", critic(fake).mean() - critic(fresh.x).mean() + (slope.norm(dim=1) - 1).square().mean()
            self.seen.append(("critic", not torch.equal(before, weights({"": critic})), True))
        frozen = weights({"": critic}), [p.grad.clone() for p in critic.parameters() if p.grad is not None]
        before = weights({"": generator})
        yield "generator", -critic(generator(batch.randn(3))).mean()
        same_grad = all(
            torch.equal(a, b.grad) for a, b in zip(frozen[1], critic.parameters(), strict=True) if b.grad is not None
        )
        untouched = same_grad and torch.equal(frozen[0], weights({"": critic}))
        self.seen.append(("generator", not torch.equal(before, weights({"": generator})), untouched))

    def validation_loss(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator) -> float:
        return 0.0


def test_players_move_in_turn_and_leave_their_opponent_without_gradient() -> None:
    seen: list[tuple[str, bool, bool]] = []
    with isolated_rng(0):
        nets: dict[str, nn.Module] = {
            "critic": nn.Sequential(nn.Linear(6, 8), nn.SiLU(), nn.Linear(8, 1)),
            "generator": nn.Linear(3, 6),
        }
    result = train(Duel(seen), nets, *cohort(), plan=Plan(steps=3, batch_size=8, log_every=1), seed=0, runtime=CPU)
    assert [name for name, _, _ in seen] == ["critic", "critic", "generator"] * 3
    assert all(moved and untouched for _, moved, untouched in seen)
    assert set(result.history[0]) == {"step", "loss_critic", "loss_generator"}


def test_loss_that_is_not_finite_names_player_and_step() -> None:
    class Broken(Regression):
        def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
            loss = nets["model"](batch.x).square().mean()
            yield "model", loss * (float("nan") if batch.step >= 12 else 1.0)

    with pytest.raises(TrainingError, match=r"player model became NaN at step 13; lower learning_rate"):
        train(Broken(), network(), *cohort(), plan=Plan(steps=100, batch_size=8, log_every=10), seed=0, runtime=CPU)


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_early_stop_gives_back_the_best_weights(ema_decay: float) -> None:
    losses = [5.0, 3.0, 4.0, 4.0, 1.0]
    seen: list[Tensor] = []

    class Scripted(Regression):
        def validation_loss(
            self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
        ) -> float:
            assert not nets["model"].training
            assert not torch.is_grad_enabled()
            seen.append(weights(nets))
            return losses[len(seen) - 1]

    plan = Plan(steps=100, batch_size=8, validate_every=10, patience=2, log_every=25, ema_decay=ema_decay)
    result = train(Scripted(), network(), *cohort(), plan=plan, seed=0, runtime=CPU, validation=cohort(20, seed=1))
    assert result.stopped_early
    assert (result.steps, result.best_step) == (40, 20)
    assert torch.equal(weights(result.nets), seen[1])
    assert [row["validation_loss"] for row in result.history if "validation_loss" in row] == losses[:4]
    assert "loss" in result.history[-1]


def test_progress_counts_down_to_the_end() -> None:
    told: list[Progress] = []
    runtime = Runtime(device="cpu", on_progress=told.append)
    train(Regression(), network(), *cohort(), plan=Plan(steps=45, batch_size=8, log_every=10), seed=0, runtime=runtime)
    assert {10, 20, 30, 40, 45} <= {progress.step for progress in told}
    assert told[-1].seconds_left == 0
    assert told[0].seconds_left > 0
    assert told[-1].metrics["loss"] > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_cuda_asked_but_absent_is_one_clear_line() -> None:
    with pytest.raises(TrainingError, match=r"cuda was requested.*--device auto") as caught:
        train(Regression(), network(), *cohort(), plan=Plan(1, 4), seed=0, runtime=Runtime(device="cuda"))
    assert "\n" not in str(caught.value)
    assert place(Runtime(device="cpu")).precision == "32-true"


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_precision_asked_for_is_used(precision: str) -> None:
    kinds: list[torch.dtype] = []

    class Spy(Regression):
        def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
            out = nets["model"](batch.x)
            kinds.append(out.dtype)
            yield "model", out.float().square().mean()

    runtime = Runtime(device="cpu", precision=precision)  # type: ignore[arg-type]
    result = train(Spy(), network(), *cohort(), plan=Plan(1, 4), seed=0, runtime=runtime)
    assert kinds == [torch.bfloat16 if precision == "bf16-mixed" else torch.float32]
    assert result.precision == precision
    assert next(result.nets["model"].parameters()).dtype == torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_run_learns_in_bfloat16() -> None:
    plan = Plan(steps=400, batch_size=32, log_every=100)
    result = train(Regression(), network(), *cohort(), plan=plan, seed=0, runtime=Runtime(device="auto"))
    assert (result.device, result.precision) == ("cuda", "bf16-mixed")
    assert result.history[-1]["loss"] < 0.5 * result.history[0]["loss"]
    assert next(result.nets["model"].parameters()).device.type == "cpu"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"steps": 0}, "steps"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"decay": "steps"}, "decay"),
        ({"decay": "halving"}, "halve_every"),
        ({"least_rate": 1.0}, "least_rate"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"warmup": 2.0}, "warmup"),
        ({"patience": 3}, "validate_every"),
    ],
)
def test_plan_that_cannot_be_says_which_setting(settings: dict[str, object], named: str) -> None:
    with pytest.raises(TrainingError, match=f"^{named}: expected"):
        Plan(**({"steps": 10, "batch_size": 4} | settings))  # type: ignore[arg-type]


def test_rate_warms_up_and_decays() -> None:
    plan = Plan(steps=100, batch_size=1, learning_rate=2.0, warmup=0.1, decay="cosine")
    rates = [plan.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert max(rates) == rates[10] == 2.0
    assert rates[55] == pytest.approx(1.0)
    assert rates[99] < 0.01
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_rate_is_halved_again_and_again_down_to_the_least() -> None:
    plan = Plan(steps=60, batch_size=1, learning_rate=0.8, decay="halving", halve_every=10, least_rate=0.15)
    rates = [plan.rate(step) for step in range(60)]
    assert rates == pytest.approx([0.8] * 10 + [0.4] * 10 + [0.2] * 10 + [0.15] * 30)


def test_missing_patients_are_told() -> None:
    x, y = cohort()
    with pytest.raises(TrainingError, match="equally many patients"):
        train(Regression(), network(), x, y[:5], plan=Plan(1, 4), seed=0, runtime=CPU)
    with pytest.raises(TrainingError, match="validation"):
        train(Regression(), network(), x, y, plan=Plan(2, 4, validate_every=1), seed=0, runtime=CPU)
    with pytest.raises(TrainingError, match="seed: expected 0 or more"):
        train(Regression(), network(), x, y, plan=Plan(1, 4), seed=-1, runtime=CPU)
