"""`SequenceCodec`: aligned sequences as one of five symbols per column, and back."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from cohortsmith.data import DataError
from cohortsmith.data.kinds import SEQUENCE, require_kind
from cohortsmith.data.nucleotides import MASKED, SYMBOLS
from cohortsmith.generators.sequences.carriers import without_rare_insertions
from cohortsmith.generators.sequences.rare_edits import without_rare_edits
from cohortsmith.generators.sequences.sites import Sites

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

_CODE_VALUES = 1_000_000_000  # 4 GB
_MANY_SITES, _VARIABLE = 50, 0.01  # sites from which linkage is more than networks learn, and share that varies


@dataclass
class SequenceCodec:
    """One-hot symbols A, T, C, G and gap; a masked position is all zeros and is never generated.

    Attributes:
        min_carriers: fewest patients with an edit for the networks to know its position; rarer edits are known by
            their type alone (see `Sites`), so that no single patient's edit is stored.
        rare_edits: what becomes of rarer edits before training. "learn" leaves them: positions are not stored, but
            what networks learn of the neighbourhood can reproduce some. "scatter" moves each substitution to a random
            position where it is of the same type (base, CpG, effect), so that numbers and spectra are preserved and
            positions are no patient's; other rare edits are removed. "suppress" removes all of them.
    """

    calibration_patients: ClassVar[int] = 256  # for the collapse alarm only
    gaussian: ClassVar[bool] = False
    strata: ClassVar[None] = None
    views: ClassVar[None] = None
    min_carriers: int = 3
    rare_edits: Literal["learn", "scatter", "suppress"] = "learn"
    sites: Sites = field(init=False, repr=False)
    remarks: tuple[str, ...] = field(init=False, repr=False, default=())

    def narrowed(self, cohort: Cohort) -> Cohort:
        """The cohort without columns of inserted bases that fewer than `min_carriers` patients have.

        Raises:
            DataError: no sequences.
        """
        require_kind(cohort.kind, SEQUENCE, "sequences are expected")
        return without_rare_insertions(cohort, self.min_carriers)

    def fit_encode(self, cohort: Cohort, rng: np.random.Generator) -> NDArray[np.float32]:
        """Learn consensus and rates; return one-hot codes (n, 5, columns).

        Raises:
            DataError: no sequences, a column without any base, or more of them than memory should hold.
        """
        require_kind(cohort.kind, SEQUENCE, "sequences are expected")
        if cohort.x.size * SYMBOLS > _CODE_VALUES:
            raise DataError(
                f"{len(cohort)} sequences of {cohort.x.shape[1]} columns are more than this version can learn; "
                f"{_CODE_VALUES // SYMBOLS // cohort.x.shape[1]} of them are possible: draw a sample, or select columns"
            )
        if (void := (cohort.x == MASKED).all(0)).any():
            name = cohort.features[int(void.argmax())]
            raise DataError(f"column {name} is masked in every sequence: remove it, or add sequences that cover it")
        self.sites = Sites.fit(cohort, self.min_carriers)
        if self.rare_edits != "learn":
            x = without_rare_edits(cohort.x, self.sites, rng if self.rare_edits == "scatter" else None)
            cohort = replace(cohort, x=x)
            self.sites = Sites.fit(cohort, self.min_carriers)
        self.remarks = self._remarks(cohort)
        return self.encode(cohort, rng)

    def _remarks(self, cohort: Cohort) -> tuple[str, ...]:
        """That networks lose the linkage of many variable sites, where there are many."""
        sequences = np.stack([(cohort.x == code).sum(0) for code in range(SYMBOLS)])
        others = sequences.sum(0) - sequences.max(0)
        sites = int((others >= _VARIABLE * len(cohort)).sum())
        if sites < _MANY_SITES:
            return ()
        return (f"{sites} variable sites: networks keep a part of their linkage only; vlmc keeps it, in a minute",)

    def encode(self, cohort: Cohort, rng: np.random.Generator) -> NDArray[np.float32]:
        """One-hot codes (n, 5, columns) of any sequences of these columns."""
        return np.stack([cohort.x == code for code in range(SYMBOLS)], axis=1, dtype=np.float32, casting="unsafe")

    def evidence(self, cohort: Cohort, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """None: rare edits are not stored by their position."""
        return {}

    @property
    def code_shape(self) -> tuple[int, ...]:
        """(5, columns)."""
        return (SYMBOLS, len(self.sites))

    def decode(self, codes: NDArray[np.float32], y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Symbols (n, columns) drawn by their probabilities (n, 5, columns); one-hot codes are taken as they are.

        Drawn, since taking the most likely symbol would make every patient wild type.
        """
        del y
        share = np.cumsum(codes, axis=1)
        drawn = rng.random((len(codes), 1, codes.shape[2]), dtype=np.float32) * share[:, -1:]
        symbols: NDArray[np.uint8] = (drawn >= share[:, :-1]).sum(axis=1).astype(np.uint8)
        return symbols

    def calibrate(self, codes: NDArray[np.float32], y: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Nothing to correct: the codes are the symbols."""

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The sites."""
        return self.sites.tensors(), {}

    def restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> Self:
        """Take back what `state` gave; a missing tensor is a KeyError."""
        del values
        self.sites = Sites(**{part.name: tensors[part.name] for part in fields(Sites)})
        return self
