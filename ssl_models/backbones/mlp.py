"""`Perceptron`: the dense layers of the founding study on transcriptomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import nn

from cohortsmith.ssl_models.backbones.base import Backbone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from cohortsmith.ssl_models.inputs import Inputs


class Perceptron(Backbone):
    """Dense layers, each with batch norm, ReLU and dropout.

    Args:
        inputs: fitted on expression data.
        widths: units per layer.
        dropout: dropout rate.
    """

    def __init__(self, inputs: Inputs, *, widths: tuple[int, ...] = (1000, 700, 700), dropout: float = 0.1) -> None:
        sizes = [inputs.shape[0], *widths]
        super().__init__(sizes[-1])
        self.body = nn.Sequential(
            *(dense(narrow, wide, dropout) for narrow, wide in zip(sizes, sizes[1:], strict=False))
        )

    @property
    def layers(self) -> Sequence[nn.Module]:
        """The dense layers."""
        return list(self.body)

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, width) of patients (n, genes)."""
        return cast("Tensor", self.body(x))


def dense(narrow: int, wide: int, dropout: float) -> nn.Sequential:
    """A dense layer with batch norm, ReLU and dropout."""
    return nn.Sequential(nn.Linear(narrow, wide), nn.BatchNorm1d(wide), nn.ReLU(), nn.Dropout(dropout))
