"""What a data kind's networks are to a family: encoder, decoder, generator, denoiser, and the law of a code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from torch import Tensor, nn

if TYPE_CHECKING:
    import torch

NO_CLASS = -1  # a network asked for this class answers for the whole population


class Law(nn.Module, ABC):
    """Distribution of a patient's code, given what a decoder says of it."""

    @abstractmethod
    def nll(self, decoded: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """-log p(x | decoded, y) of codes x (n, ...), summed over a code and averaged over patients (nats)."""

    @abstractmethod
    def sample(self, decoded: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Codes (n, ...) drawn from the law, or the law itself where the codec draws from it."""

    @abstractmethod
    def mean(self, decoded: Tensor) -> Tensor:
        """Expected codes (n, ...)."""


class Maker(nn.Module, ABC):
    """Generator of an adversarial family: latents to codes that could be a patient's, differentiable.

    Attributes:
        noise_shape: shape of one patient's uniform noise besides the latent; empty where none is needed.
    """

    noise_shape: tuple[int, ...] = ()

    @abstractmethod
    def forward(self, latent: Tensor, y: Tensor, uniform: Tensor | None = None) -> Tensor:
        """Codes (n, ...) from latents (n, in_dim), classes (n,) and noise (n, *noise_shape) in [0, 1)."""


class Architecture(Protocol):
    """The networks that an objective builds its players from; each takes the patients' classes (n,) along."""

    @property
    def code_shape(self) -> tuple[int, ...]:
        """Shape of one patient's code."""
        ...

    @property
    def classes(self) -> int:
        """Number of classes."""
        ...

    def encoder(self, out_dim: int) -> nn.Module:
        """Codes (n, *code_shape), classes (n,) -> (n, out_dim): a critic, a discriminator, a VAE's encoder."""
        ...

    def decoder(self, in_dim: int) -> nn.Module:
        """Latents (n, in_dim), classes (n,) -> what the law takes, (n, *code_shape): a VAE's decoder."""
        ...

    def law(self) -> Law:
        """The law of a code given what the decoder says."""
        ...

    def maker(self, in_dim: int) -> Maker:
        """The generator of an adversarial family."""
        ...

    def denoiser(self) -> nn.Module:
        """Noisy codes (n, *code_shape), noise levels (n,), classes (n,) -> (n, *code_shape)."""
        ...
