"""What a codec is: from a cohort to codes that suit networks, and back to values that can exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort
    from cohortsmith.training import Views


class Strata(Protocol):
    """Groups within classes that networks are conditioned on in place of the class."""

    def __len__(self) -> int:
        """Number of groups, over all classes."""
        ...

    def groups(self, cohort: Cohort) -> NDArray[np.int64]:
        """Group (n,) of each patient of a cohort."""
        ...

    def draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Groups (n,) of classes y (n,), drawn by their shares in train."""
        ...


@runtime_checkable
class Interpolating(Protocol):
    """A codec whose decoding depends on the group, so that the way between two groups must be its own."""

    def between(
        self, codes: NDArray[np.float32], ends: NDArray[np.int64], share: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[Any]:
        """Values `x` of codes (n, *code_shape) on the way between two groups (2,), a share (n,) along."""
        ...


class Codec(Protocol):
    """Fitted on train only; holds statistics over several patients, never a record.

    Attributes:
        calibration_patients: generated patients per group that `calibrate` and the collapse alarm need, at most.
        gaussian: whether standard normal codes already are synthetic patients (the Gaussian copula), so that a network
            that learns nothing is left out.
    """

    calibration_patients: ClassVar[int]
    gaussian: ClassVar[bool]

    @property
    def strata(self) -> Strata | None:
        """Groups within classes that the networks are conditioned on in place of the class, if there are any."""
        ...

    @property
    def views(self) -> Views | None:
        """Random views of a batch that training sees instead of the batch itself, if any."""
        ...

    def narrowed(self, cohort: Cohort) -> Cohort:
        """The cohort without features whose names alone would reveal too few patients; `fit_encode` takes this one."""
        ...

    def fit_encode(self, cohort: Cohort, rng: np.random.Generator) -> NDArray[np.float32]:
        """Learn the statistics; return train's codes (n, *code_shape), about zero mean and unit variance.

        Raises `DataError` for a cohort of another data kind.
        """
        ...

    def encode(self, cohort: Cohort, rng: np.random.Generator) -> NDArray[np.float32]:
        """Codes (n, *code_shape) of patients that were not learned from, by the statistics of those that were."""
        ...

    def evidence(self, cohort: Cohort, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """What the statistics alone tell of who was learned from: (n,) by kind, higher for likelier members."""
        return {}

    @property
    def code_shape(self) -> tuple[int, ...]:
        """Shape of one patient's code."""
        ...

    def decode(self, codes: NDArray[np.float32], groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        """Values `x` of a cohort from codes (n, *code_shape) and groups (n,), in the scale that came in."""
        ...

    def calibrate(self, codes: NDArray[np.float32], groups: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Correct what `decode` gives, from codes that the trained family has generated for groups (n,)."""
        ...

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Tensors and plain values to save."""
        ...

    def restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> Self:
        """Take back what `state` gave."""
        ...
