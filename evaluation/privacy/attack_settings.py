"""Sizes and random streams that the attacks of the audit share."""

from __future__ import annotations

from cohortsmith.evaluation.core import MIN_FOR_1_PERCENT, MIN_PER_SIDE
from cohortsmith.evaluation.metrics.common import FALSE_POSITIVES, SYNTHETIC

MIN_SAMPLES = MIN_PER_SIDE
"""Fewest patients or samples that a part of an attack needs."""
MAX_SYNTHETIC = SYNTHETIC
"""Synthetic samples that an attacker looks at, at most."""
MAX_TARGETS = 2000
"""Target patients per side of the attacks on attributes and links, at most."""
MAX_MEMBERSHIP_TARGETS = 4000
"""Target samples per side of a membership attack: enough for an FPR of 1 in 1000, few enough for memory."""
MIN_NON_MEMBERS = {0.1: 20, FALSE_POSITIVES: MIN_FOR_1_PERCENT, 0.001: 1000}
"""Fewest non-members for the TPR at each false-positive rate."""
ROC_POINTS, ROC_POINTS_OF_CLASS = 200, 25
"""Points of a ROC curve that are kept, at most, of all patients or a group at risk, and of a class."""

# Streams: draws are seeded by [seed, stream]. Shadow models share two numbers with the risks; changing a number changes
# every figure.
COPY_PAIRS_STREAM = 67
ATTACK_SPLIT_STREAM, F1_STREAM, JOINT_STREAM, COMBINED_STREAM, ASKED_STREAM = 81, 82, 83, 84, 85
RISK_TARGETS_STREAM, HALVES_STREAM, PREDICATES_STREAM, DISCLOSURE_STREAM = 91, 92, 93, 94
SHADOW_PARTS_STREAM, SHADOW_FITS_STREAM = 91, 92
FOLDS_STREAM = 95
