"""Run by the tests in processes of its own: ``process_script.py OUT DEVICES STEPS [DIE_AT]``.

Trains a small critic and generator and writes, from each process, what it ended with and what it was told.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cohortsmith.training import Batch, Plan, Progress, Runtime, adam, is_main_process, isolated_rng, train

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Duel:
    """A critic with a gradient penalty against a generator."""

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        return {name: adam(nets[name].parameters()) for name in ("critic", "generator")}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        critic, generator = nets["critic"], nets["generator"]
        for fresh in (batch, batch.another()):
            fake = generator(fresh.randn(3)).detach()
            share = fresh.rand(1)
            point = (share * fresh.x + (1 - share) * fake).requires_grad_()
            slope = torch.autograd.grad(critic(point).sum(), point, create_graph=True)[0]
            yield "critic", critic(fake).mean() - critic(fresh.x).mean() + (slope.norm(dim=1) - 1).square().mean()
        batch.log("reality", critic(batch.x).mean())
        yield "generator", -critic(generator(batch.randn(3))).mean()

    def validation_loss(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator) -> float:
        return float(nets["critic"](x).mean())


def run(out: Path, devices: int, steps: int, die_at: int = 0) -> None:
    """Train, and write the outcome; die of SIGKILL once the step ``die_at`` is reported."""
    told: list[int] = []

    def tell(progress: Progress) -> None:
        told.append(progress.step)
        if progress.step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    x = 2 + torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    y = torch.zeros(50, dtype=torch.int64)
    with isolated_rng(1):
        nets = {"critic": nn.Sequential(nn.Linear(6, 8), nn.SiLU(), nn.Linear(8, 1)), "generator": nn.Linear(3, 6)}
    # Each process is given a folder of its own, which shows who writes.
    folder = out / f"checkpoint-{os.environ.get('LOCAL_RANK', '0')}"
    result = train(
        Duel(),
        nets,
        x,
        y,
        plan=Plan(steps, batch_size=16, log_every=5, validate_every=20, clip_norm=1.0),
        seed=4,
        runtime=Runtime("cpu", devices=devices, checkpoint=folder, checkpoint_every=10, on_progress=tell),
        validation=(x[:10], y[:10]),
    )
    weights = [
        weight for net in result.nets.values() for part in net.parameters() for weight in part.flatten().tolist()
    ]
    content = {
        "history": result.history,
        "weights": weights,
        "told": told,
        "resumed_from": result.resumed_from,
        "main": is_main_process(),
    }
    (out / f"rank-{os.environ.get('LOCAL_RANK', '0')}.json").write_text(json.dumps(content))


if __name__ == "__main__":
    run(Path(sys.argv[1]), *map(int, sys.argv[2:]))
