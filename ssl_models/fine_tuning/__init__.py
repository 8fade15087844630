"""Learning from labels: fine-tuning, and MixMatch with unlabelled patients beside."""

from cohortsmith.ssl_models.fine_tuning.mixmatch import TEACHER, Mixed
from cohortsmith.ssl_models.fine_tuning.supervised import HEAD, PRETEXT, FineTuning, Labelled, balance_weights

__all__ = ["FineTuning", "HEAD", "Labelled", "Mixed", "PRETEXT", "TEACHER", "balance_weights"]
