"""What networks are given of each data kind."""

from cohortsmith.ssl_models.inputs.inputs import Inputs
from cohortsmith.ssl_models.inputs.pixels import channels_first

__all__ = ["Inputs", "channels_first"]
