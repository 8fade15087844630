"""The one training loop: devices, precision, weight averages, checkpoints, progress, seeds."""

from training.batch import Batch, Views
from training.devices import Placement, fast_precision, is_main_process, place
from training.errors import TrainingError
from training.loop import train
from training.objective import Objective, adam
from training.plan import Plan, Progress, Runtime, TrainingResult
from training.privacy import Privacy, epsilon_of, noise_multiplier, secret_of
from training.seeds import isolated_rng

__all__ = [
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
    "noise_multiplier",
    "place",
    "secret_of",
    "train",
]
