"""Networks that are not of one data kind alone."""

from cohortsmith.generators.networks.residual_mlp import ResidualMLP, ResidualStack

__all__ = ["ResidualMLP", "ResidualStack"]
