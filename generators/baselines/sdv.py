"""SDV's synthesizers behind the same `fit` and `sample`, for comparison (extra `sdv`, BUSL-1.1)."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from cohortsmith.data import DataError
from cohortsmith.generators.contracts import Generator
from cohortsmith.generators.expression import LogTable, floors
from cohortsmith.training import isolated_rng

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort
    from cohortsmith.training import Runtime

_TABLE, _LABEL = "patients", "class"
_ROUNDS = 50


class SDV(Generator):
    """A single-table synthesizer of SDV 2 on log2 values and the class as one more column.

    SDV draws the class together with the genes; requested numbers of each class are filled over several draws. It takes
    no seed: the global random state that it uses is saved and restored around it, and before each sample its own
    streams are set (see `_rewind`).

    Args:
        settings: passed to the synthesizer, for example `epochs`.
    """

    synthesizer: ClassVar[str]
    min_patients: ClassVar[int] = 2
    savable: ClassVar[bool] = False
    reason: ClassVar[str] = "SDV saves by pickle only, which cohortsmith never writes"

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = settings
        self._model: Any = None
        self._table: LogTable
        self._floor: NDArray[np.float32]

    @classmethod
    def setting_names(cls, kind: str = "") -> list[str]:
        """Names the synthesizer's own constructor takes."""
        import inspect

        return [name for name in inspect.signature(_synthesizer(cls)).parameters if name not in ("metadata", "locales")]

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> None:
        kind = _synthesizer(type(self))
        from sdv.metadata import Metadata

        self._table = LogTable.of(cohort)
        columns = self._table.columns(cohort)
        self._floor = floors(columns)
        frame = pd.DataFrame(columns.astype(np.float64), columns=[f"g{i}" for i in range(columns.shape[1])])
        frame[_LABEL] = cohort.labels
        with _seeded(seed):
            metadata = Metadata.detect_from_dataframes({_TABLE: frame})
            metadata.update_column(column_name=_LABEL, sdtype="categorical", table_name=_TABLE)
            self._model = kind(metadata, **self.settings)
            self._model.fit({_TABLE: frame})

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        wanted = np.bincount(y, minlength=len(self.schema.classes))
        parts: list[list[NDArray[np.float32]]] = [[] for _ in wanted]
        left = wanted.copy()
        seed = int(rng.integers(2**31))
        with _seeded(seed):
            self._rewind(seed)
            for _ in range(_ROUNDS):
                if not left.any():
                    break
                values, labels = self._rows(max(2 * int(left.sum()), 200))
                for label in np.flatnonzero(left):
                    own = values[labels == self.schema.classes[label]][: left[label]]
                    parts[label].append(own)
                    left[label] -= len(own)
        if left.any():
            missing = self.schema.classes[int(np.argmax(left))]
            raise DataError(f"{self.family} did not draw enough patients of class {missing!r} in {_ROUNDS} rounds")
        columns = np.empty((len(y), len(self._floor)), np.float32)
        for label in np.flatnonzero(wanted):
            columns[y == label] = np.concatenate(parts[label])
        return self._table.back(np.maximum(columns, self._floor))

    def sample_as_drawn(self, n: int, seed: int = 0) -> Cohort:
        """`n` synthetic patients with the classes that the synthesizer itself draws, as when SDV is used directly.

        A class that it hardly generates is then rare or missing, where `sample` would raise an error.
        """
        with _seeded(seed):
            self._rewind(seed)
            values, labels = self._rows(n)
        y = np.array([self.schema.classes.index(name) for name in labels], dtype=np.int64)
        return self.as_cohort(self._table.back(np.maximum(values, self._floor)), y, seed)

    def _rows(self, n: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
        frame = self._model.sample(n)[_TABLE]
        labels = frame.pop(_LABEL).to_numpy()
        return frame.to_numpy(np.float32), labels

    def _rewind(self, seed: int) -> None:
        """Reset SDV's random streams.

        It has two that continue from call to call: that of the column transformers (reset by the public
        `reset_sampling`) and that of the model, which it sets to a constant at the first sample unless
        `_set_random_state` came before; there is no public access to that one. In this order, as the first undoes the
        second.
        """
        self._model.reset_sampling()
        self._model._set_random_state(seed)


class SDVGaussianCopula(SDV):
    """SDV's GaussianCopulaSynthesizer."""

    family: ClassVar[str] = "sdv-gaussiancopula"
    synthesizer = "GaussianCopulaSynthesizer"


class SDVCTGAN(SDV):
    """SDV's CTGANSynthesizer (Xu et al. 2019)."""

    family: ClassVar[str] = "sdv-ctgan"
    synthesizer = "CTGANSynthesizer"


class SDVTVAE(SDV):
    """SDV's TVAESynthesizer (Xu et al. 2019)."""

    family: ClassVar[str] = "sdv-tvae"
    synthesizer = "TVAESynthesizer"


def _synthesizer(kind: type[SDV]) -> Any:
    try:
        from sdv import single_table
    except ImportError as error:
        raise DataError(
            f"{kind.family} needs SDV 2 (licence BUSL-1.1): install the extra, pip install 'cohortsmith[sdv]'"
        ) from error
    return getattr(single_table, kind.synthesizer)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    before = np.random.get_state()  # noqa: NPY002  SDV draws from the global state; it is restored below
    np.random.set_state(np.random.RandomState(seed).get_state())  # noqa: NPY002
    try:
        with isolated_rng(seed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
