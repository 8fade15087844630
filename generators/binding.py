"""`Binding`: a family bound to a data kind with its settings; fitting, sampling and loading work with the same one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from cohortsmith.generators.private import Spending
from cohortsmith.training import Runtime, fast_precision, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from cohortsmith.data import Cohort
    from cohortsmith.generators.contracts import Architecture, Codec, Family, SamplerCallback
    from cohortsmith.generators.private import PrivateCodec


@dataclass(frozen=True)
class Binding:
    """A family bound to a data kind with its settings.

    Attributes:
        objective: losses and sampler with their settings, the privacy budget among them.
        codec: from a cohort to codes and back; fitted, or restored, in place.
        networks: architecture for the fitted codec, a number of groups, and the objective's width and depth.
        settings: every setting with its value, `profile` among them where the data kind has profiles.
        heavy: whether networks do so much matrix work that bfloat16 pays, and that samples are drawn on a GPU where
            there is one.
        sampled_at_once: synthetic patients drawn together, as memory allows.
    """

    objective: Family
    codec: Codec
    networks: Callable[[Any, int, Family], Architecture]
    settings: dict[str, Any]
    heavy: bool
    sampled_at_once: int

    def open_budget(self, cohort: Cohort, checkpoint: Path | None) -> Spending | None:
        """Budget of a private fit to a cohort, which the codec's statistics are charged to; None of any other fit.

        Raises:
            DataError: delta is not below one over the patients, or epsilon is too small for statistics.
        """
        if not self.objective.dp_epsilon:
            return None
        spending = Spending.open(self.objective, cohort, checkpoint)
        cast("PrivateCodec", self.codec).statistics = spending.statistics  # private fits have private codecs
        return spending

    def runtime(self, asked: Runtime) -> Runtime:
        """The runtime asked for, with the precision of this data kind's fits."""
        if self.objective.dp_epsilon:
            return replace(asked, precision="32-true")  # every digit of single patients' gradients
        return replace(asked, precision=fast_precision(asked)) if self.heavy else asked

    def build(self, classes: int) -> dict[str, nn.Module]:
        """Networks by name, for the fitted codec and a number of classes."""
        strata = self.codec.strata
        groups = classes if strata is None else len(strata)
        return self.objective.build(self.networks(self.codec, groups, self.objective))

    def groups(self, cohort: Cohort) -> Tensor:
        """What the networks are conditioned on for each patient (n,): the class, or a finer group of the codec's."""
        strata = self.codec.strata
        return torch.from_numpy(cohort.y if strata is None else strata.groups(cohort))

    def draw_groups(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """What the networks are conditioned on for classes y (n,): these, or groups drawn by their share in train."""
        strata = self.codec.strata
        return y if strata is None else strata.draw(y, rng)

    @torch.no_grad()
    def sample(
        self,
        nets: dict[str, nn.Module],
        groups: NDArray[np.int64],
        rng: np.random.Generator,
        callback: SamplerCallback | None = None,
    ) -> NDArray[np.float32]:
        """Codes (n, ...) of synthetic patients of groups (n,).

        Args:
            nets: trained networks by name; without any, codes are standard normal.
            groups: as from `draw_groups`.
            rng: of every draw.
            callback: called at each step of the sampler, of every `sampled_at_once` patients anew.
        """
        if not nets:
            return rng.standard_normal((len(groups), *self.codec.code_shape), dtype=np.float32)
        seed = int(rng.integers(2**62))
        with self._placed(nets) as (device, precision):
            generator = torch.Generator(device).manual_seed(seed)
            with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16-mixed"):
                parts = [
                    self.objective.sample(nets, part.to(device), generator, callback).float().cpu()
                    for part in torch.split(torch.from_numpy(groups), self.sampled_at_once)
                ]
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def evidence(
        self, nets: dict[str, nn.Module], codes: NDArray[np.float32], groups: Tensor, seed: int
    ) -> dict[str, NDArray[np.float64]]:
        """`Family.evidence` of codes (n, ...) and groups (n,), in parts that fit in memory, under one noise."""
        parts: dict[str, list[Tensor]] = {}
        if not nets:
            return {}
        with self._placed(nets) as (device, _):
            for rows in torch.split(torch.arange(len(codes)), self.sampled_at_once):
                x, generator = torch.from_numpy(codes[rows.numpy()]), torch.Generator(device).manual_seed(seed)
                found = self.objective.evidence(nets, x.to(device), groups[rows].to(device), generator)
                for name, values in found.items():
                    parts.setdefault(name, []).append(values.double().cpu())
        return {name: torch.cat(values).numpy() for name, values in parts.items()}

    @contextmanager
    def _placed(self, nets: dict[str, nn.Module]) -> Iterator[tuple[str, str]]:
        """Move networks to where they are fastest, in place, and back; gives the device and its precision."""
        runtime = Runtime() if self.heavy else Runtime(device="cpu")
        device, precision = place(runtime).device, fast_precision(runtime) if self.heavy else "32-true"
        for net in nets.values():
            net.to(device)
        yield device, precision
        for net in nets.values():
            net.cpu()
