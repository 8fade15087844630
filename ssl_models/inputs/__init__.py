"""Network inputs: from cohorts of each data kind to normalised tensors."""

from cohortsmith.ssl_models.inputs.pixels import channels_first
from cohortsmith.ssl_models.inputs.tensors import Inputs

__all__ = ["Inputs", "channels_first"]
