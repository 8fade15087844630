"""Learning from labels: supervised fine-tuning, and semi-supervised learning with MixMatch."""

from cohortsmith.ssl_models.fine_tuning.mixmatch import TEACHER, Mixed
from cohortsmith.ssl_models.fine_tuning.supervised import HEAD, PRETEXT, FineTuning, Labelled, balance_weights

__all__ = ["FineTuning", "HEAD", "Labelled", "Mixed", "PRETEXT", "TEACHER", "balance_weights"]
