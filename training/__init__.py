"""Training loop for all networks, with devices, weight averaging, checkpoints, seeds and differential privacy."""

from cohortsmith.training.batch import Batch, Views
from cohortsmith.training.checkpoint import planned_steps
from cohortsmith.training.devices import Placement, fast_precision, is_main_process, place
from cohortsmith.training.errors import TrainingError
from cohortsmith.training.loop import train
from cohortsmith.training.objective import Objective, adam
from cohortsmith.training.plan import Plan, Progress, Runtime, TrainingResult
from cohortsmith.training.privacy import ACCOUNTANT, Privacy, epsilon_of, merged_charges, noise_multiplier, secret_of
from cohortsmith.training.seeds import isolated_rng

__all__ = [
    "ACCOUNTANT",
    "Batch",
    "Objective",
    "Placement",
    "Plan",
    "Privacy",
    "Progress",
    "Runtime",
    "TrainingError",
    "TrainingResult",
    "Views",
    "adam",
    "epsilon_of",
    "fast_precision",
    "is_main_process",
    "isolated_rng",
    "merged_charges",
    "noise_multiplier",
    "place",
    "planned_steps",
    "secret_of",
    "train",
]
