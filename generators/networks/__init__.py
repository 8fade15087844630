"""Networks shared by several data kinds."""

from cohortsmith.generators.networks.residual_mlp import ResidualMLP, ResidualStack

__all__ = ["ResidualMLP", "ResidualStack"]
