"""`VLMC`: haplotypes and other sequences of many variable sites, by the contexts that enough patients share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cohortsmith.data import DataError
from cohortsmith.data.kinds import SEQUENCE
from cohortsmith.data.nucleotides import GAP, MASKED, SYMBOLS
from cohortsmith.data.sequences import alleles_of
from cohortsmith.generators.contracts import Generator, Schema
from cohortsmith.generators.sequences import SharedContexts, carrier_counts, find_groups, without_rare_insertions

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort
    from cohortsmith.training import Runtime


class VLMC(Generator):
    """A variable-length Markov chain per class along the sites (Ron et al. 1996; Browning 2006; `SharedContexts`).

    Each symbol is drawn given the longest stretch before it that at least `carriers` patients of the class share, so
    that linkage is kept as far as it is common to so many, and no patient's own stretch is known. Symbols that fewer
    patients carry are known by their number alone, and drawn at random positions. There is no network and no training.

    Args:
        carriers: fewest patients that share a context, and that carry a symbol that is known by its position.
        prior: patients that the class's frequency of a symbol counts for, beside those that share the context.
        groups: most groups within a class, each of at least 20 times `carriers` patients, that are found on their
            principal components and have chains of their own: populations that nobody has named; 1 finds none.
    """

    family: ClassVar[str] = "vlmc"
    kinds: ClassVar[Collection[str]] = (SEQUENCE,)

    def __init__(self, carriers: int = 5, prior: float = 0.0001, groups: int = 6) -> None:
        super().__init__()
        for name, value in (("carriers", carriers), ("groups", groups)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise DataError(f"vlmc: {name} must be a whole number of at least 1; got {value!r}")
        if isinstance(prior, bool) or not isinstance(prior, int | float) or not 0 < prior < np.inf:
            raise DataError(f"vlmc: prior must be a number above 0; got {prior!r}")
        self.settings = {"carriers": carriers, "prior": prior, "groups": groups}
        self._consensus: NDArray[np.uint8]
        self._sites: NDArray[np.int64]
        self._symbols: NDArray[np.uint8]
        self._shares: NDArray[np.float64]
        self._rare: NDArray[np.float64]
        self._chains: dict[str, SharedContexts] = {}

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> Schema:
        cohort = without_rare_insertions(cohort, self.min_patients)
        least = self.settings["carriers"]
        held = carrier_counts(cohort.x, cohort.subjects)
        counts = np.stack([(cohort.x == code).sum(0) for code in range(SYMBOLS)])
        if not counts.sum(axis=0).all():
            name = cohort.features[int((counts.sum(axis=0) == 0).argmax())]
            raise DataError(f"column {name} is masked in every sequence: remove it, or add sequences that cover it")
        self._consensus = counts.argmax(0).astype(np.uint8)
        own = np.arange(SYMBOLS)[:, None] == self._consensus
        known = (held >= least) | own
        self._sites = np.flatnonzero(known.sum(0) > 1)
        rank = np.argsort(-np.where(known, counts, -1)[:, self._sites], axis=0, kind="stable")
        most = int(known.sum(0).max())
        self._symbols = rank[:most].T.astype(np.uint8)  # of each site, the most frequent first
        ranked = np.take_along_axis(known[:, self._sites], rank[:most], axis=0).T
        self._symbols = np.where(ranked, self._symbols, self._symbols[:, :1])
        rare = (cohort.x != MASKED) & ~known[cohort.x % SYMBOLS, np.arange(cohort.x.shape[1])]
        numbers = [cohort.x[:, self._sites] == self._symbols[:, k] for k in range(most)]
        x = np.argmax(np.stack(numbers, axis=-1), axis=-1).astype(np.uint8)  # masked or rare: consensus
        together = int(np.unique(cohort.subjects, return_counts=True)[1].max())
        rng = np.random.default_rng([seed, 0])
        self._chains, self._rare = {}, np.zeros(len(cohort.classes))
        shares = []
        for label in range(len(cohort.classes)):
            rows = np.flatnonzero(cohort.y == label)
            if not len(rows):
                shares.append([1.0])
                continue
            of = rows if len(np.unique(cohort.subjects[rows][rare[rows].any(1)])) >= least else np.arange(len(cohort))
            if len(np.unique(cohort.subjects[of][rare[of].any(1)])) >= least:
                self._rare[label] = rare[of].sum(1).mean()
            group = find_groups(x[rows], self.settings["groups"], 20 * least * together, rng)
            shares.append((np.bincount(group) / len(group)).tolist())
            for number in range(len(shares[-1])):
                mine = rows[group == number]
                self._chains[f"{label}.{number}"] = SharedContexts.fit(
                    x[mine], most, least * together, float(self.settings["prior"])
                )
        widest = max(map(len, shares))
        self._shares = np.array([share + [0.0] * (widest - len(share)) for share in shares])
        self.summary = {"sites": len(self._sites), "groups": [len(share) for share in shares]}
        return Schema.of(cohort)

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        x = np.tile(self._consensus, (len(y), 1))
        for label in np.unique(y):
            rows = np.flatnonzero(y == label)
            group = rng.choice(self._shares.shape[1], len(rows), p=self._shares[label])
            for number in np.unique(group):
                mine = rows[group == number]
                drawn = self._chains[f"{label}.{number}"].sample(len(mine), rng)
                x[np.ix_(mine, self._sites)] = self._symbols[np.arange(len(self._sites)), drawn]
        return self._with_rare(x, y, rng)

    def _with_rare(self, x: NDArray[np.uint8], y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
        """The sequences with further edits at random positions, as many as train has that few patients carry."""
        columns = np.setdiff1d(np.flatnonzero(self._consensus != GAP), self._sites)
        numbers = np.minimum(rng.poisson(self._rare[y]), len(columns))
        row = np.repeat(np.arange(len(y)), numbers)
        column = rng.choice(columns, len(row)) if len(row) else row
        for at, name in enumerate(self.schema.features) if len(row) else ():
            own = int(self._consensus[at])
            stated = alleles_of(name)
            others = [code for code in (stated or range(GAP)) if code != own] or [own]
            mine = column == at
            x[row[mine], at] = rng.choice(np.array(others, dtype=np.uint8), int(mine.sum()))
        return x

    def _evidence(self, cohort: Cohort, seed: int) -> dict[str, NDArray[np.float64]]:
        """Log-likelihood of the patient's class, over its groups."""
        numbers = [cohort.x[:, self._sites] == self._symbols[:, k] for k in range(self._symbols.shape[1])]
        x = np.argmax(np.stack(numbers, axis=-1), axis=-1).astype(np.uint8)
        found = np.zeros(len(cohort))
        for label in np.unique(cohort.y):
            rows = np.flatnonzero(cohort.y == label)
            parts = [
                np.log(share) + self._chains[f"{label}.{number}"].log_likelihood(x[rows])
                for number, share in enumerate(self._shares[label])
                if share
            ]
            found[rows] = np.logaddexp.reduce(parts, axis=0)
        return {"log_likelihood": found}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors: dict[str, NDArray[Any]] = {
            "consensus": self._consensus,
            "sites": self._sites,
            "symbols": self._symbols,
            "shares": self._shares,
            "rare": self._rare,
        }
        for name, chain in self._chains.items():
            tensors |= {f"chain.{name}.{key}": value for key, value in chain.tensors().items()}
        return tensors, {"chains": list(self._chains)}

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        self._consensus, self._sites, self._symbols, self._shares, self._rare = (
            tensors[name] for name in ("consensus", "sites", "symbols", "shares", "rare")
        )
        for name in values["chains"]:
            parts = {key: tensors[f"chain.{name}.{key}"] for key in ("starts", "chances", "following")}
            self._chains[name] = SharedContexts(**parts)
