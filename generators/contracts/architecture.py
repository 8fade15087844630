"""The networks that a data kind gives a family: encoder, decoder, generator, denoiser, and the likelihood of a code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from torch import Tensor, nn

if TYPE_CHECKING:
    import torch

NO_CLASS = -1  # a network asked for this class answers for the whole population


class Likelihood(nn.Module, ABC):
    """Distribution of a patient's code given the decoder's output."""

    @abstractmethod
    def nlls(self, decoded: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """-log p(x | decoded, y) of codes x (n, ...), summed over a code: one value per patient (n,), in nats."""

    def nll(self, decoded: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The same, averaged over patients."""
        return self.nlls(decoded, x, y).mean()

    @abstractmethod
    def sample(self, decoded: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Codes (n, ...) drawn from the distribution, or its parameters where the codec draws from them."""

    @abstractmethod
    def mean(self, decoded: Tensor) -> Tensor:
        """Expected codes (n, ...)."""


class GeneratorNet(nn.Module, ABC):
    """Generator network of an adversarial family: latents to codes that could be a patient's, differentiable.

    Attributes:
        noise_shape: shape of one patient's uniform noise in addition to the latent; empty where none is needed.
    """

    noise_shape: tuple[int, ...] = ()

    @abstractmethod
    def forward(self, latent: Tensor, y: Tensor, uniform: Tensor | None = None) -> Tensor:
        """Codes (n, ...) from latents (n, in_dim), classes (n,) and noise (n, *noise_shape) in [0, 1)."""


class Architecture(Protocol):
    """The networks that an objective builds its players from; each takes the patients' classes (n,) as a condition."""

    @property
    def code_shape(self) -> tuple[int, ...]:
        """Shape of one patient's code."""
        ...

    @property
    def classes(self) -> int:
        """Number of classes."""
        ...

    def encoder(self, out_dim: int) -> nn.Module:
        """Codes (n, *code_shape), classes (n,) -> (n, out_dim): a critic, a discriminator."""
        ...

    def posterior(self, latent_dim: int) -> nn.Module:
        """Codes (n, *code_shape), classes (n,) -> means and log variances (n, 2 latent_dim): a VAE's encoder."""
        ...

    def decoder(self, in_dim: int) -> nn.Module:
        """Latents (n, in_dim), classes (n,) -> parameters of the likelihood: a VAE's decoder."""
        ...

    def likelihood(self) -> Likelihood:
        """The distribution of a code given the decoder's output."""
        ...

    def generator_net(self, in_dim: int) -> GeneratorNet:
        """The generator network of an adversarial family."""
        ...

    def denoiser(self) -> nn.Module:
        """Noisy codes (n, *code_shape), noise levels (n,), classes (n,) -> (n, *code_shape)."""
        ...
