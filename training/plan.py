"""What to train (`Plan`), where (`Runtime`), and what a run reports (`Progress`, `TrainingResult`)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from cohortsmith.training.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

    from cohortsmith.training.privacy import Privacy

Decay = Literal["constant", "cosine", "linear", "halving"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "32-true", "bf16-mixed"]

_DECAYS = get_args(Decay)
_DEVICES = ("auto", "cpu", "cuda", "mps")
_PRECISIONS = ("auto", "32-true", "bf16-mixed")


@dataclass(frozen=True)
class Plan:
    """Everything that determines the trained weights besides the data, the networks and the seed.

    Attributes:
        steps: training steps; in each, every player is updated as often as the objective specifies.
        batch_size: patients per batch, across all processes.
        learning_rate: peak rate of the schedule; replaces the rate that the optimisers were built with. A parameter
            group may have its own factor ``lr_scale`` on this rate.
        warmup: share of the steps, 0 to 1, over which the rate rises linearly from zero.
        decay: how the rate falls to zero after the warm-up; ``constant`` keeps it, ``halving`` halves it repeatedly.
        halve_every: steps between two halvings.
        least_rate: rate below which it is not halved.
        ema_decay: decay of the running average of the weights; 0 for none.
        clip_norm: largest norm of a player's gradient; 0 disables clipping.
        balanced: draw all classes equally often instead of in proportion to their sizes.
        validate_every: steps between validations; 0 disables them.
        patience: validations without improvement before stopping early; 0 disables early stopping.
        validate_first: validate before the first step, too: the networks may be best as they are.
        stop_at: step after which training stops, its schedule unchanged; 0 goes to the end.
        log_every: steps averaged into one row of the history.
        compiled: on CUDA, compile the networks' forward passes (``torch.compile``); they cannot be differentiated
            twice, so this excludes objectives with a gradient penalty.
        privacy: privacy budget; with it, training is differentially private (`training.privacy`), `batch_size` is the
            expected number of patients per update, and there is no validation.
    """

    steps: int
    batch_size: int
    learning_rate: float = 1e-3
    warmup: float = 0.0
    decay: Decay = "constant"
    halve_every: int = 0
    least_rate: float = 0.0
    ema_decay: float = 0.999
    clip_norm: float = 0.0
    balanced: bool = False
    validate_every: int = 0
    patience: int = 0
    validate_first: bool = False
    stop_at: int = 0
    log_every: int = 50
    compiled: bool = False
    privacy: Privacy | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "log_every"):
            _require_count(getattr(self, name), name, at_least=1)
        for name in ("validate_every", "patience", "stop_at"):
            _require_count(getattr(self, name), name, at_least=0)
        _require_count(self.halve_every, "halve_every", at_least=1 if self.decay == "halving" else 0)
        _require(self.clip_norm >= 0, "clip_norm", "0 or more", self.clip_norm)
        _require(0 < self.learning_rate < math.inf, "learning_rate", "a positive number", self.learning_rate)
        _require(0 <= self.least_rate <= self.learning_rate, "least_rate", "0 to learning_rate", self.least_rate)
        _require(0 <= self.warmup <= 1, "warmup", "a share of the steps between 0 and 1", self.warmup)
        _require(0 <= self.ema_decay < 1, "ema_decay", "0 (no average) or a number below 1", self.ema_decay)
        _require(self.decay in _DECAYS, "decay", f"one of {', '.join(_DECAYS)}", self.decay)
        _require(not self.patience or self.validate_every > 0, "validate_every", "1 or more with a patience", 0)
        if self.privacy:
            _require(not self.validate_every, "validate_every", "0 in private training", self.validate_every)
            _require(not self.balanced, "balanced", "False in private training", self.balanced)

    @property
    def last(self) -> int:
        """Step at which training ends if it does not stop early."""
        return min(self.stop_at, self.steps) if self.stop_at else self.steps

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        rising = self.warmup * self.steps
        if step + 1 < rising:
            return self.learning_rate * (step + 1) / rising
        if self.decay == "constant":
            return self.learning_rate
        if self.decay == "halving":
            return float(max(self.learning_rate * 0.5 ** ((step - rising) // self.halve_every), self.least_rate))
        done = (step - rising) / max(self.steps - rising, 1.0)
        left = 1 - done if self.decay == "linear" else 0.5 * (1 + math.cos(math.pi * done))
        return self.learning_rate * min(max(left, 0.0), 1.0)


@dataclass(frozen=True)
class Progress:
    """Progress of a run: step of steps, seconds spent and left, and the last row of the history."""

    step: int
    steps: int
    seconds: float
    seconds_left: float
    metrics: dict[str, float]


@dataclass(frozen=True)
class Runtime:
    """Where and how a run is executed; on one CPU process none of it changes the weights.

    Attributes:
        device: ``auto`` selects CUDA, else Apple's MPS, else the CPU.
        devices: processes on this machine, one per device.
        num_nodes: machines, each running the same command.
        precision: ``auto`` is bfloat16 autocast on CUDA devices that support it, else float32.
        checkpoint: folder to resume from and to write to; the caller removes it once the result is saved.
        checkpoint_every: steps between two checkpoints.
        on_progress: called in the main process, at each row of the history and about four times per second.
    """

    device: Device = "auto"
    devices: int = 1
    num_nodes: int = 1
    precision: Precision = "auto"
    checkpoint: Path | None = None
    checkpoint_every: int = 500
    on_progress: Callable[[Progress], None] | None = None

    def __post_init__(self) -> None:
        for name in ("devices", "num_nodes", "checkpoint_every"):
            _require_count(getattr(self, name), name, at_least=1)
        _require(self.device in _DEVICES, "device", f"one of {', '.join(_DEVICES)}", self.device)
        _require(self.precision in _PRECISIONS, "precision", f"one of {', '.join(_PRECISIONS)}", self.precision)


@dataclass(frozen=True)
class TrainingResult:
    """Result of a run.

    Attributes:
        nets: the networks given, on the CPU, in evaluation mode, with the averaged weights if the plan keeps an
            average, and the best ones if it stops early.
        history: rows of averages over ``log_every`` steps, each with its ``step``.
        steps: steps taken in total, including those before a resume.
        stopped_early: whether the patience ran out.
        seconds: time spent in total, including that before a resume.
        device: kind of device the run used.
        precision: numerical precision of the run.
        resumed_from: step of the checkpoint that the run resumed from; 0 for a fresh start.
        best_step: step whose weights these are.
        privacy: privacy spent by a private run, and how (`PrivateMoves.report`).
    """

    nets: dict[str, nn.Module]
    history: list[dict[str, float]] = field(repr=False)
    steps: int
    stopped_early: bool
    seconds: float
    device: str
    precision: str
    resumed_from: int
    best_step: int
    privacy: dict[str, Any] | None = None


def _require(holds: bool, name: str, expected: str, found: object) -> None:
    if not holds:
        raise TrainingError(f"{name}: expected {expected}, got {found!r}")


def _require_count(value: object, name: str, at_least: int) -> None:
    whole = isinstance(value, int) and value >= at_least
    _require(whole, name, f"an integer of at least {at_least}", value)
