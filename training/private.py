"""Differentially private training: DP-SGD (Abadi et al. 2016), with Opacus's clipping, noise and accountant.

See `training.privacy` for what the guarantee covers and what it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from cohortsmith.training.batch import Batch
from cohortsmith.training.privacy import ACCOUNTANT, epsilon_of, merged_charges, noise_multiplier
from cohortsmith.training.seeds import PRIVATE_NOISE, PRIVATE_SAMPLING, derive_seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.training.batch import Views
    from cohortsmith.training.meter import Meter
    from cohortsmith.training.plan import Plan
    from cohortsmith.training.privacy import Privacy

_AT_ONCE = 64_000_000  # per-patient gradient values in memory at once: 256 MB


@runtime_checkable
class PrivateObjective(Protocol):
    """What an objective implements besides `Objective` to be trained privately.

    Attributes:
        blind: players whose loss sees no patients: they are updated without noise, on classes from `class_shares`.
        multiplicity: how often a patient is repeated within one step, with fresh random numbers each time, before the
            gradient is clipped; it costs no privacy (Dockhorn et al. 2023).
    """

    @property
    def blind(self) -> frozenset[str]: ...  # noqa: D102

    @property
    def multiplicity(self) -> int: ...  # noqa: D102

    def private_moves(self, step: int, steps: int) -> Sequence[str]:
        """Players in the order of their updates at a step; must not depend on the patients."""
        ...

    def private_loss(self, nets: Mapping[str, nn.Module], batch: Batch, player: str) -> Tensor:
        """Mean loss of a player over a batch: repeats of one patient; without patients for a blind player."""
        ...

    def private_moved(self, nets: Mapping[str, nn.Module], player: str) -> None:
        """Post-process an update without using patients, for example by clipping weights."""
        ...


class SinglePatientBatch(Batch):
    """Repeats of one patient, or none (x of size 0), with random numbers of its own, also under `vmap`."""

    __slots__ = ("_noise",)

    def __init__(self, x: Tensor, y: Tensor, noise: torch.Generator, step: int, steps: int) -> None:
        self.x, self.y, self._noise = x, y, noise
        self.step, self.steps, self.device = step, steps, y.device

    def __len__(self) -> int:
        return len(self.y)

    def randn(self, *shape: int) -> Tensor:
        """Return standard normal numbers (b, *shape)."""
        return torch.randn((len(self), *shape), generator=self._noise, device=self.device)

    def rand(self, *shape: int) -> Tensor:
        """Return uniform numbers in [0, 1), (b, *shape)."""
        return torch.rand((len(self), *shape), generator=self._noise, device=self.device)

    def randint(self, high: int, *shape: int) -> Tensor:
        """Return integers from 0 to high - 1, (b, *shape)."""
        return torch.randint(high, (len(self), *shape), generator=self._noise, device=self.device)

    def another(self) -> Batch:
        """Refuse: a second batch would have to be charged again."""
        raise TypeError("a private loss has one batch")

    def log(self, name: str, value: Tensor | float) -> None:
        """Do nothing: a loss on patients would leak information."""


class _Loss(nn.Module):
    """An objective's loss as a module, for functional calls with other weights of all networks."""

    def __init__(self, objective: PrivateObjective, nets: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.objective, self.nets = objective, nn.ModuleDict(nets)

    def forward(self, player: str, batch: Batch) -> Tensor:
        return self.objective.private_loss(dict(self.nets.items()), batch, player).float()


class PrivateMoves:
    """Updates of a private run: sampling, per-patient gradients, clipping, noise, and the ledger.

    Every update samples its patients independently with the same probability (Poisson sampling), as the accountant
    assumes. Per-patient gradients come from `torch.func`, for any architecture; Opacus's `DPOptimizer` clips, sums,
    adds the noise and divides by the expected number of patients.
    """

    def __init__(
        self,
        objective: PrivateObjective,
        nets: Mapping[str, nn.Module],
        optimizers: Mapping[str, torch.optim.Optimizer],
        x: Tensor,
        y: Tensor,
        *,
        plan: Plan,
        privacy: Privacy,
        meter: Meter,
        views: Views | None,
    ) -> None:
        from opacus.accountants import create_accountant
        from opacus.optimizers import DPOptimizer

        self.objective = objective
        self.nets, self.x, self.y, self.plan, self.privacy, self.meter = nets, x, y, plan, privacy, meter
        self.views, self.optimizers = views, optimizers
        self.rate = min(plan.batch_size / len(x), 1.0)
        blind = self.objective.blind
        moves = sum(
            p not in blind for step in range(plan.steps) for p in self.objective.private_moves(step, plan.steps)
        )
        self.sigma = noise_multiplier(
            privacy.epsilon, privacy.delta, rate=self.rate, times=moves, charges=privacy.charges
        )
        self.accountant = create_accountant(ACCOUNTANT)
        self.accountant.history = list(privacy.charges)
        self.sampling = torch.Generator().manual_seed(derive_seed(privacy.secret, PRIVATE_SAMPLING))
        self.noise = torch.Generator(x.device).manual_seed(derive_seed(privacy.secret, PRIVATE_NOISE))
        self.loss = _Loss(self.objective, nets)
        names = {id(weight): name for name, weight in self.loss.named_parameters()}
        self.private: dict[str, DPOptimizer] = {}
        self.weights: dict[str, dict[str, nn.Parameter]] = {}
        for player, optimizer in optimizers.items():
            if player not in blind:
                self.private[player] = DPOptimizer(
                    optimizer,
                    noise_multiplier=self.sigma,
                    max_grad_norm=privacy.clip,
                    expected_batch_size=self.rate * len(x),
                    generator=self.noise,
                    secure_mode=True,
                )
                self.private[player].attach_step_hook(self.accountant.get_optimizer_hook_fn(self.rate))
                self.weights[player] = {names[id(weight)]: weight for weight in self.private[player].params}

    def step(self, step: int) -> None:
        """Update every player of a step."""
        for player in self.objective.private_moves(step, self.plan.steps):
            if player in self.private:
                self._move(player, step)
            else:
                self._move_blind(player, step)
            with torch.no_grad():
                self.objective.private_moved(self.nets, player)

    def _move(self, player: str, step: int) -> None:
        optimizer, weights = self.private[player], self.weights[player]
        chosen = torch.rand(len(self.x), generator=self.sampling) < self.rate
        rows = chosen.nonzero().flatten().to(self.x.device)
        parts = torch.split(rows, max(_AT_ONCE // sum(weight.numel() for weight in weights.values()), 1))
        for left, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
            for weight, gradient in zip(weights.values(), self._gradients(player, part, step), strict=True):
                weight.grad_sample = gradient  # type: ignore[attr-defined]
            optimizer.signal_skip_step(left > 0)  # clipped and summed; noise is added to the total
            optimizer.step()
            if not left:
                norm = torch.stack([weight.grad.norm() for weight in weights.values() if weight.grad is not None])
                self.meter.add_loss(f"gradient_{player}", player, norm.norm(), step)
            optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def _gradients(self, player: str, rows: Tensor, step: int) -> list[Tensor]:
        """Return each patient's gradients (patients, *shape) of a player's weights."""
        weights = self.weights[player]
        if not len(rows):
            return [weight.new_zeros((0, *weight.shape)) for weight in weights.values()]
        times, steps, noise = self.objective.multiplicity, self.plan.steps, self.noise

        def loss(given: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
            repeats = SinglePatientBatch(x.expand(times, *x.shape), y.expand(times), noise, step, steps)
            out: Tensor = functional_call(self.loss, given, (player, repeats))
            return out

        x, y = self.x.index_select(0, rows), self.y.index_select(0, rows)
        if self.views:
            x = self.views(x, torch.rand(len(rows), generator=noise, device=x.device))
        given = {name: weight.detach() for name, weight in weights.items()}
        found = vmap(grad(loss), in_dims=(None, 0, 0), randomness="different")(given, x, y)
        # One patient's overflow must not affect the sum.
        return [found[name].nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0) for name in weights]

    def _move_blind(self, player: str, step: int) -> None:
        optimizer, shares = self.optimizers[player], torch.tensor(self.privacy.class_shares, device=self.x.device)
        y = torch.multinomial(shares, self.plan.batch_size, replacement=True, generator=self.noise)
        batch = SinglePatientBatch(self.x.new_empty((len(y), 0)), y, self.noise, step, self.plan.steps)
        weights = [weight for group in optimizer.param_groups for weight in group["params"] if weight.requires_grad]
        loss = self.objective.private_loss(self.nets, batch, player)
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        if self.plan.clip_norm:
            torch.nn.utils.clip_grad_norm_(weights, self.plan.clip_norm)
        optimizer.step()
        self.meter.add_loss(f"loss_{player}", player, loss, step)

    def report(self) -> dict[str, Any]:
        """Return the privacy spent by the run, and how, as plain values."""
        return {
            "epsilon": self.privacy.epsilon,
            "delta": self.privacy.delta,
            "epsilon_spent": round(epsilon_of(self.accountant.history, self.privacy.delta), 4),
            "noise_multiplier": self.sigma,
            "sample_rate": self.rate,
            "steps": sum(times for _, rate, times in self.accountant.history[len(self.privacy.charges) :]),
            "clip": self.privacy.clip,
            "accountant": ACCOUNTANT,
            "charges": [list(charge) for charge in merged_charges(self.accountant.history)],
        }

    def tensors(self) -> dict[str, Tensor]:
        """Return the states of the generators."""
        return {"sampling": self.sampling.get_state(), "noise": self.noise.get_state()}

    def values(self) -> dict[str, Any]:
        """Return the ledger, and the secret."""
        return {"secret": self.privacy.secret, "history": [list(charge) for charge in self.accountant.history]}

    def restore(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Restore what `tensors` and `values` returned."""
        self.sampling.set_state(tensors["sampling"])
        self.noise.set_state(tensors["noise"])
        self.accountant.history = [(sigma, rate, times) for sigma, rate, times in values["history"]]
