"""The training loop for every family of networks, on Lightning Fabric."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import torch

from cohortsmith.training import checkpoint as disk
from cohortsmith.training.average import WeightAverage, load_tensors, tensors_of
from cohortsmith.training.batch import Batch, BatchSource, Order
from cohortsmith.training.devices import open_fabric, place
from cohortsmith.training.errors import TrainingError
from cohortsmith.training.meter import Meter
from cohortsmith.training.plan import Progress, Runtime, TrainingResult
from cohortsmith.training.processes import Processes
from cohortsmith.training.seeds import (
    AMBIENT,
    NOISE,
    ORDER,
    VALIDATION,
    ambient_state,
    derive_seed,
    isolated_rng,
    set_ambient_state,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightning_fabric import Fabric
    from torch import Tensor, nn

    from cohortsmith.training.batch import Views
    from cohortsmith.training.devices import Placement
    from cohortsmith.training.objective import Objective
    from cohortsmith.training.plan import Plan
    from cohortsmith.training.privacy import Privacy
    from cohortsmith.training.private import PrivateMoves

# Seconds between calls of on_progress while no row of the history is due.
_PROGRESS_EVERY = 0.25


def train(
    objective: Objective,
    nets: Mapping[str, nn.Module],
    x: Tensor,
    y: Tensor,
    *,
    plan: Plan,
    seed: int,
    runtime: Runtime | None = None,
    validation: tuple[Tensor, Tensor] | None = None,
    views: Views | None = None,
    classes: Tensor | None = None,
) -> TrainingResult:
    """Train networks in place and return them.

    On one CPU process the same arguments give bitwise identical results, also after a kill and a resume from
    ``runtime.checkpoint``. The global random state of PyTorch, NumPy and Python is left unchanged.

    Args:
        objective: the players and their losses.
        nets: networks by name, trained in place and returned with their final weights.
        x: training values (n, ...).
        y: classes (n,).
        plan: steps, schedule and everything else that determines the weights.
        seed: of the order of the patients, the noise and the dropout; 0 or more.
        runtime: where to run; by default the best available device, one process, no checkpoint.
        validation: held-out values and classes, for ``plan.validate_every``.
        views: augmentation of a batch, from its values (b, ...) and uniform numbers (b,) in [0, 1), for example flips
            of images. A dataclass's fields are part of a checkpoint's identity.
        classes: (n,) classes to balance with ``plan.balanced``; y by default.

    Raises:
        TrainingError: the device is not available, a loss is not finite, or the checkpoint is of another run.
    """
    runtime = runtime or Runtime()
    if len(x) != len(y) or not len(x):
        raise TrainingError(f"x and y: expected equally many patients, at least 1; got {len(x)} and {len(y)}")
    if plan.validate_every and validation is None:
        raise TrainingError("validate_every: expected held-out patients in validation, got none")
    derive_seed(seed, ORDER)
    placement = place(runtime)
    fabric = open_fabric(runtime, placement)
    with isolated_rng(derive_seed(seed, AMBIENT, fabric.global_rank), fabric.device):
        run = _Run(fabric, placement, objective, nets, x, y, plan, seed, runtime, validation, views, classes)
        stopped = run.run()
        return TrainingResult(
            nets=run.final_nets(),
            history=run.history,
            steps=run.step,
            stopped_early=stopped,
            seconds=run.seconds(),
            device=placement.device,
            precision=placement.precision,
            resumed_from=run.resumed_from,
            best_step=run.best_step if plan.patience else run.step,
            privacy=run.private.report() if run.private else None,
        )


class _Run:
    """One run; its state between two steps is exactly what a checkpoint stores."""

    def __init__(
        self,
        fabric: Fabric,
        placement: Placement,
        objective: Objective,
        nets: Mapping[str, nn.Module],
        x: Tensor,
        y: Tensor,
        plan: Plan,
        seed: int,
        runtime: Runtime,
        validation: tuple[Tensor, Tensor] | None,
        views: Views | None,
        classes: Tensor | None,
    ) -> None:
        self.fabric, self.objective, self.plan, self.seed, self.runtime = fabric, objective, plan, seed, runtime
        self.device, self.processes = fabric.device, Processes(fabric)
        self.identity: dict[str, str] = {}
        if runtime.checkpoint:
            self.identity = {
                "data": disk.digest_tensors([x, y, *(validation or ())]),
                "plan": disk.digest_settings(plan),
                "objective": disk.digest_settings(objective),
                "initial weights": disk.digest_tensors(tensors_of(nets).values()),
                "seed": str(seed),
                "device": f"{placement.device} {placement.precision}",
                "number of processes": str(fabric.world_size),
            } | ({"views": disk.digest_settings(views)} if views else {})
        self.nets = {name: net.to(self.device).train() for name, net in nets.items()}
        self.optimizers = objective.players(self.nets)
        self.parameters = {
            player: [weight for group in optimizer.param_groups for weight in group["params"]]
            for player, optimizer in self.optimizers.items()
        }
        # With a single player the loss is logged as "loss".
        single = len(self.optimizers) == 1
        self.loss_names = {player: "loss" if single else f"loss_{player}" for player in self.optimizers}
        self.average = WeightAverage(self.nets, plan.ema_decay) if plan.ema_decay else None
        self.meter = Meter(self.device, self.processes.mean)
        self.source = BatchSource(
            x.to(self.device),
            y.to(self.device),
            order=Order(
                y if classes is None else classes,
                batch_size=plan.batch_size,
                balanced=plan.balanced,
                seed=derive_seed(seed, ORDER),
                device=self.device,
            ),
            noise=torch.Generator(self.device).manual_seed(derive_seed(seed, NOISE)),
            meter=self.meter,
            batch_size=plan.batch_size,
            rank=self.processes.rank,
            world_size=self.processes.count,
            views=views,
        )
        self.private: PrivateMoves | None = None
        if plan.privacy:
            self._begin_private(plan.privacy)
        self.validation = (validation[0].to(self.device), validation[1].to(self.device)) if validation else None
        self.history: list[dict[str, float]] = []
        self.step = self.resumed_from = 0
        self.best_loss, self.best_step, self.waited = math.inf, 0, 0
        self.best: dict[str, Tensor] = {}
        self.spent = 0.0
        self.started = self.reported_at = time.perf_counter()
        self.processes.align(tensors_of(self.nets).values())
        self._resume()
        if plan.compiled and self.device.type == "cuda" and not self.private:
            for net in self.nets.values():
                net.compile()

    def _begin_private(self, privacy: Privacy) -> None:
        from cohortsmith.training.private import PrivateMoves, PrivateObjective

        if self.processes.count > 1:
            raise TrainingError(f"devices: private training uses one process, got {self.processes.count}")
        if not isinstance(self.objective, PrivateObjective):
            raise TrainingError(f"{type(self.objective).__name__}: this objective cannot be trained privately")
        source = self.source
        self.private = PrivateMoves(
            self.objective,
            self.nets,
            self.optimizers,
            source.x,
            source.y,
            plan=self.plan,
            privacy=privacy,
            meter=self.meter,
            views=source.views,
        )

    def run(self) -> bool:
        """Take the remaining steps; return whether training stopped early."""
        plan, runtime = self.plan, self.runtime
        stopped = False
        if plan.validate_first and self.validation and not self.step:
            loss = self._validate(*self.validation)
            self.history.append({"step": 0, "validation_loss": loss})
            self._out_of_patience(loss)
        while self.step < plan.last and not stopped:
            self._take_step()
            row: dict[str, float] = {}
            due = plan.validate_every and (self.step % plan.validate_every == 0 or self.step == plan.last)
            if due and self.validation:
                row["validation_loss"] = loss = self._validate(*self.validation)
                stopped = self._out_of_patience(loss)
            if self.step % plan.log_every == 0 or self.step == plan.last or stopped:
                row = self.meter.row() | row
            if row:
                self.history.append({"step": self.step, **row})
            unfinished = self.step < plan.last and not stopped
            if runtime.checkpoint and unfinished and self.step % runtime.checkpoint_every == 0:
                self._save()
            self._report(due=bool(row))
        return stopped

    def _take_step(self) -> None:
        rate = self.plan.rate(self.step)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get("lr_scale", 1.0)
        if self.private:
            self.private.step(self.step)
        else:
            self._play()
        if self.average:
            self.average.update(self.step)
        self.step += 1

    def _play(self) -> None:
        losses = self.objective.losses(self.nets, Batch(self.source, self.step, self.plan.steps))
        while True:
            with self.fabric.autocast():
                played = next(losses, None)
            if played is None:
                return
            self._move(*played)

    def _move(self, player: str, loss: Tensor) -> None:
        # Frozen weights may share a player's optimiser, and an objective may unfreeze them later.
        parameters = [parameter for parameter in self.parameters[player] if parameter.requires_grad]
        for parameter in parameters:
            parameter.grad = None
        # Passing `inputs` excludes the other players' weights from the backward pass.
        self.fabric.backward(loss, inputs=parameters)
        self.processes.average([parameter.grad for parameter in parameters if parameter.grad is not None])
        if self.plan.clip_norm:
            torch.nn.utils.clip_grad_norm_(parameters, self.plan.clip_norm)
        self.optimizers[player].step()
        self.meter.add_loss(self.loss_names[player], player, loss, self.step)

    def _weights(self) -> dict[str, nn.Module]:
        return self.average.nets if self.average else self.nets

    def _validate(self, x: Tensor, y: Tensor) -> float:
        # A non-finite training loss is more informative than the validation loss it leads to.
        self.meter.drain()
        nets = self._weights()
        for net in nets.values():
            net.eval()
        generator = torch.Generator(self.device).manual_seed(derive_seed(self.seed, VALIDATION))
        with torch.no_grad(), self.fabric.autocast():
            value = self.objective.validation_loss(nets, x, y, generator)
        for net in self.nets.values():
            net.train()
        # Rounding may differ between processes, but all must take the same decision.
        loss = float(self.processes.mean(torch.tensor(float(value), device=self.device)))
        if not math.isfinite(loss):
            raise TrainingError(f"validation loss is not finite at step {self.step}; lower learning_rate")
        return loss

    def _out_of_patience(self, loss: float) -> bool:
        """Keep the best weights; return whether patience has run out."""
        if not self.plan.patience:
            return False
        if loss < self.best_loss:
            self.best_loss, self.best_step, self.waited = loss, self.step, 0
            self.best = {name: value.detach().clone() for name, value in tensors_of(self._weights()).items()}
            return False
        self.waited += 1
        return self.waited >= self.plan.patience

    def final_nets(self) -> dict[str, nn.Module]:
        """Return the networks with their final weights, on the CPU."""
        weights = self.best or tensors_of(self._weights())
        load_tensors(self.nets, weights)
        return {name: net.cpu().eval() for name, net in self.nets.items()}

    def seconds(self) -> float:
        """Return the time spent, including that before a resume."""
        return self.spent + time.perf_counter() - self.started

    def _report(self, due: bool) -> None:
        now = time.perf_counter()
        on_progress = self.runtime.on_progress
        if on_progress is None or not self.processes.is_main or not (due or now - self.reported_at >= _PROGRESS_EVERY):
            return
        self.reported_at = now
        pace = (now - self.started) / (self.step - self.resumed_from)
        metrics = {name: value for name, value in self.history[-1].items() if name != "step"} if self.history else {}
        left = pace * (self.plan.last - self.step)
        on_progress(Progress(self.step, self.plan.last, self.seconds(), left, metrics))

    def _save(self) -> None:
        # Both communicate with the other processes, so they come before the early return.
        states = {name: self.processes.rows(state) for name, state in ambient_state(self.device).items()}
        pending = self.meter.state()
        if self.runtime.checkpoint is None or not self.processes.is_main:
            return
        checkpoint = disk.Checkpoint(self.step, self.identity)
        checkpoint.put("net", tensors_of(self.nets))
        if self.average:
            checkpoint.put("average", tensors_of(self.average.nets))
        checkpoint.put("best", self.best)
        for player, optimizer in self.optimizers.items():
            checkpoint.put_optimizer(player, optimizer)
        checkpoint.put("order", self.source.order.state())
        checkpoint.put("random", {"noise": self.source.noise.get_state(), **states})
        checkpoint.values |= {
            "history": self.history,
            "pending": pending,
            "best": [self.best_loss if self.best else None, self.best_step, self.waited],
            "seconds": self.seconds(),
            "steps": self.plan.steps,
        }
        if self.private:
            checkpoint.put("privacy", self.private.tensors())
            checkpoint.values["privacy"] = self.private.values()
        disk.write_checkpoint(self.runtime.checkpoint, checkpoint)

    def _resume(self) -> None:
        folder = self.runtime.checkpoint
        found = disk.read_checkpoint(folder, self.identity) if folder else None
        step = found.step if found else 0
        if float(self.processes.mean(torch.tensor(float(step), device=self.device))) != step:
            raise TrainingError("checkpoint: expected a folder that every machine of the run can read")
        if found is None:
            return
        try:
            self._restore(found)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(f"checkpoint: {folder} is incomplete; delete it or choose another folder") from error

    def _restore(self, found: disk.Checkpoint) -> None:
        load_tensors(self.nets, found.get("net"))
        if self.average:
            load_tensors(self.average.nets, found.get("average"))
        self.best = {name: value.to(self.device) for name, value in found.get("best").items()}
        for player, optimizer in self.optimizers.items():
            found.get_optimizer(player, optimizer)
        self.source.order.restore(found.get("order"))
        random = found.get("random")
        self.source.noise.set_state(random.pop("noise"))
        set_ambient_state({name: rows[self.processes.rank] for name, rows in random.items()}, self.device)
        if self.private:
            self.private.restore(found.get("privacy"), found.values["privacy"])
        self.meter.restore(found.values["pending"])
        self.history = found.values["history"]
        best_loss, self.best_step, self.waited = found.values["best"]
        self.best_loss = math.inf if best_loss is None else best_loss
        self.spent = found.values["seconds"]
        self.step = self.resumed_from = found.step
