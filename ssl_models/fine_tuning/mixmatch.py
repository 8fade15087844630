"""`Mixed`: semi-supervised learning from labelled and unlabelled patients by MixMatch."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.stats import beta
from torch import nn
from torch.nn import functional as F

from cohortsmith.ssl_models.fine_tuning.supervised import HEAD, Labelled
from cohortsmith.ssl_models.pretexts import BACKBONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from cohortsmith.training import Batch

TEACHER = "teacher"
_LABELLED = "labelled"
_MOMENTUM = 0.99
_RAMP = 0.3  # share of the steps over which the weight of guesses rises: early guesses are wrong
_QUANTILES = 1024


@dataclass(frozen=True)
class Mixed(Labelled):
    """Objective of `training.train` on unlabelled patients; the labelled ones are in the buffers of a network.

    MixMatch (Berthelot et al. 2019, algorithm 1) with the distribution alignment of its successor (Berthelot et al.
    2020, section 3.1): the class of an unlabelled patient is guessed by a teacher, whose weights are a moving
    average of the student's (Tarvainen & Valpola 2017); guesses are aligned to the labelled patients' class proportions
    and sharpened (equation 7); labelled and unlabelled patients, with classes and guesses, are mixed in pairs
    (equations 8-11); the loss is the cross-entropy of both, which for guesses is more stable than MixMatch's squared
    error with many classes. The teacher is the fitted model.
    """

    def networks(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, classes: int) -> dict[str, nn.Module]:
        """Backbone, head and teacher, and the labelled patients x (n, ...) with classes y (n,)."""
        teacher = copy.deepcopy(nn.Sequential(nets[BACKBONE], nets[HEAD])).requires_grad_(False)
        return {**nets, TEACHER: teacher, _LABELLED: _Patients(x, y, classes, self.settings.mixing)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One update on unlabelled patients and as many random labelled ones."""
        patients, teacher = nets[_LABELLED], nets[TEACHER].eval()
        if not isinstance(patients, _Patients):
            raise TypeError("labelled patients must be in their own network")
        for frozen in self._frozen(nets):
            frozen.eval()
        _follow(teacher, nn.Sequential(nets[BACKBONE], nets[HEAD]), min(_MOMENTUM, batch.step / (batch.step + 10)))
        rows = batch.randint(len(patients.y))
        known, unknown = patients.x[rows], batch.x
        guess = sharpened(patients.aligned(teacher(unknown).float().softmax(1)), self.settings.sharpening)
        if self.augment:
            known, unknown = self.augment(known, batch), self.augment(unknown, batch)
        x = torch.cat([known, unknown]).float()
        targets = torch.cat([F.one_hot(patients.y[rows], guess.shape[1]).float(), guess])
        partner = batch.rand(2).T.flatten().argsort()
        share = patients.shares(batch.rand(2).T.flatten())
        logits = self._logits(nets, mixture(x, x[partner], share))
        mixed = mixture(targets, targets[partner], share)
        b, weight = len(rows), self._weights(logits)
        loss = F.cross_entropy(logits[:b], mixed[:b], weight=weight)
        guessed = F.cross_entropy(logits[b:], mixed[b:], weight=weight)
        batch.log("loss_guessed", guessed.detach())
        loss = loss + self.settings.unlabelled_weight * min(1.0, batch.step / (_RAMP * batch.steps)) * guessed
        for term in self._penalties(nets):
            loss = loss + term
        yield HEAD, loss

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> float | Tensor:
        """Cross-entropy of validation patients by the teacher."""
        backbone, head = nets[TEACHER].children()
        return super().validation_loss({BACKBONE: backbone, HEAD: head}, x, y, generator)


class _Patients(nn.Module):
    """Labelled patients, their class proportions, and the mean guess so far; not saved with a model."""

    x: Tensor
    y: Tensor
    prior: Tensor
    guessed: Tensor
    quantiles: Tensor

    def __init__(self, x: Tensor, y: Tensor, classes: int, mixing: float) -> None:
        super().__init__()
        prior = torch.bincount(y, minlength=classes).float() + 0.5
        self.register_buffer("x", x, persistent=False)
        self.register_buffer("y", y, persistent=False)
        self.register_buffer("prior", prior / prior.sum(), persistent=False)
        self.register_buffer("guessed", prior / prior.sum())
        quantiles = beta.ppf((np.arange(_QUANTILES) + 0.5) / _QUANTILES, mixing, mixing).astype(np.float32)
        self.register_buffer("quantiles", torch.from_numpy(np.maximum(quantiles, 1 - quantiles)), persistent=False)

    @torch.no_grad()
    def aligned(self, guess: Tensor) -> Tensor:
        """Guesses (b, classes) scaled by the labelled class proportions over the running mean of guesses."""
        self.guessed.lerp_(guess.mean(0), 1 - _MOMENTUM)
        scaled = guess * (self.prior / self.guessed)
        return scaled / scaled.sum(1, keepdim=True)

    def shares(self, uniform: Tensor) -> Tensor:
        """Mixing weights (n,) of the first patient: max(s, 1 - s) for s from Beta(mixing, mixing)."""
        return self.quantiles[(uniform * _QUANTILES).long()]


def sharpened(guess: Tensor, temperature: float) -> Tensor:
    """Probabilities (b, classes) to the power of 1/temperature, summing to one (Berthelot et al. 2019, equation 7)."""
    power = guess ** (1 / temperature)
    return power / power.sum(1, keepdim=True)


def mixture(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Mixtures of patients: share (n,) of `one` (n, ...), the rest of `other` (Zhang et al. 2018, section 2)."""
    share = share.view(-1, *[1] * (one.ndim - 1))
    return share * one + (1 - share) * other


@torch.no_grad()
def _follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Move the teacher's parameters and batch-norm statistics towards the student's by 1 - momentum."""
    for kept, live in zip(teacher.state_dict().values(), student.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(live.to(kept.dtype), 1 - momentum)
        else:
            kept.copy_(live)
