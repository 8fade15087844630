"""`SharedContexts`: each symbol given the longest stretch of symbols before it that enough patients share.

A variable-length Markov chain along the sites (Ron, Singer and Tishby 1996; on haplotypes Browning 2006): the context
of a site is the longest run of preceding symbols that at least `carriers` sequences of the class have in common.
Contexts are found by the positional Burrows-Wheeler transform (Durbin 2014): sorted by their reversed prefixes,
sequences that share a context stand side by side, so that a context is an interval of rows, and a step to the next
site takes intervals to intervals. What is kept is the automaton of these steps: no state stands for fewer than
`carriers` sequences, and where a patient's own way leaves the others', the context shortens until it is shared again.
No sequence is kept or copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_NEVER = 1e-6  # least chance of a symbol, in likelihoods of sequences that were not learned from


class _Sorted(NamedTuple):
    """Sequences sorted by their reversed symbols before a site.

    Attributes:
        order: (n,) rows.
        common: (n + 1,) symbols before the site that each has in common with the row above; -1 at the ends.
    """

    order: Ints
    common: Ints


@dataclass(frozen=True)
class SharedContexts:
    """The automaton of one class, over m sites.

    Attributes:
        starts: (m + 1,) first state of each site; the states of a site follow one another.
        chances: (states, symbols) probability of each symbol.
        following: (states, symbols) state at the next site after each symbol, counted from that site's first.
    """

    starts: Ints
    chances: NDArray[np.float32]
    following: NDArray[np.int32]

    @classmethod
    def fit(cls, x: NDArray[np.uint8], symbols: int, carriers: int, prior: float) -> SharedContexts:
        """Automaton of a class.

        Args:
            x: (n, m) symbols from 0.
            symbols: how many there are.
            carriers: fewest sequences that share a context.
            prior: sequences that a symbol's frequency in the class counts for, beside those that share the context.
        """
        states = np.array([[0, len(x)]], dtype=np.int64)
        starts, chances, following = [0], [], []
        shares = np.stack([(x == symbol).mean(axis=0) for symbol in range(symbols)], axis=1)
        for site, (here, there) in enumerate(_walk(x, symbols)):
            seen = x[here.order, site]
            low, high = states.T
            held = np.empty((len(states), symbols))
            reached = np.empty((len(states), symbols, 2), dtype=np.int64)
            first = 0
            for symbol in range(symbols):
                carried = _running(seen == symbol)
                held[:, symbol] = carried[high] - carried[low]
                reached[:, symbol, 0], reached[:, symbol, 1] = first + carried[low], first + carried[high]
                lost = held[:, symbol] == 0  # nobody goes on so: all that have the symbol here, or all
                reached[lost, symbol] = (first, first + carried[-1]) if carried[-1] else (0, len(x))
                first += int(carried[-1])
            chances.append(
                ((held + prior * shares[site]) / (held.sum(axis=1, keepdims=True) + prior)).astype(np.float32)
            )
            intervals = _shared(reached.reshape(-1, 2), there.common, min(carriers, len(x)))
            states, inverse = np.unique(intervals, axis=0, return_inverse=True)
            following.append(inverse.reshape(-1, symbols).astype(np.int32))
            starts.append(starts[-1] + len(chances[-1]))
        return cls(np.array(starts, dtype=np.int64), np.concatenate(chances), np.concatenate(following))

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Symbols of `n` sequences (n, m)."""
        x = np.empty((n, len(self.starts) - 1), dtype=np.uint8)
        state = np.zeros(n, dtype=np.int64)
        for site, start in enumerate(self.starts[:-1]):
            share = self.chances[start + state].cumsum(axis=1)
            drawn = rng.random((n, 1), dtype=np.float32) * share[:, -1:]
            x[:, site] = (drawn >= share[:, :-1]).sum(axis=1)
            state = self.following[start + state, x[:, site]]
        return x

    def log_likelihood(self, x: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Log-probability of sequences (n, m), (n,) in nats."""
        total, state = np.zeros(len(x)), np.zeros(len(x), dtype=np.int64)
        for site, start in enumerate(self.starts[:-1]):
            total += np.log(np.maximum(self.chances[start + state, x[:, site]], _NEVER))
            state = self.following[start + state, x[:, site]]
        return total

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return {"starts": self.starts, "chances": self.chances, "following": self.following}


def _walk(x: NDArray[np.uint8], symbols: int) -> Iterator[tuple[_Sorted, _Sorted]]:
    """Sequences as sorted before each site, and before the next (Durbin 2014, algorithms 1 and 2)."""
    n = len(x)
    common = np.zeros(n + 1, dtype=np.int64)
    common[[0, n]] = -1
    here = _Sorted(np.arange(n), common)
    for site in range(x.shape[1]):
        seen = x[here.order, site]
        order, common, first = [], np.full(n + 1, -1, dtype=np.int64), 0
        for symbol in range(symbols):
            at = np.flatnonzero(seen == symbol)
            if not len(at):
                continue
            order.append(here.order[at])
            common[first] = 0 if first else -1
            least = np.minimum.reduceat(here.common[: n + 1], np.append(at[:-1] + 1, at[-1] + 1))
            common[first + 1 : first + len(at)] = least[:-1] + 1
            first += len(at)
        there = _Sorted(np.concatenate(order), common)
        yield here, there
        here = there


def _shared(intervals: Ints, common: Ints, carriers: int) -> Ints:
    """Intervals (k, 2) of sorted rows, those of too few widened to the longest context that enough share."""
    few = np.flatnonzero(intervals[:, 1] - intervals[:, 0] < carriers)
    if not len(few) or carriers < 2:
        return intervals
    where, inverse = np.unique(intervals[few, 0], return_inverse=True)
    # the longest context of each row: the best of the runs of so many rows that it lies in, each as good as its worst
    runs = sliding_window_view(common[1:-1], carriers - 1).min(axis=1)
    ends = np.full(carriers - 1, -1)
    deepest = sliding_window_view(np.concatenate([ends, runs, ends]), carriers).max(axis=1)
    low, high = _widened(_range_minima(common), len(common) - 1, where, deepest[where])
    out = intervals.copy()
    out[few, 0], out[few, 1] = low[inverse], high[inverse]
    return out


def _widened(table: list[Ints], n: int, where: Ints, depth: Ints) -> tuple[Ints, Ints]:
    """First row, and row after the last, of those that share contexts of this length with the rows `where`."""
    low, high = where.copy(), where + 1
    for level in range(len(table) - 1, -1, -1):
        step, most = 1 << level, len(table[level]) - 1
        back = (low >= step) & (table[level][np.clip(low - step + 1, 0, most)] >= depth)
        low = np.where(back, low - step, low)
        ahead = (high + step <= n) & (table[level][np.minimum(high, most)] >= depth)
        high = np.where(ahead, high + step, high)
    return low, high


def _range_minima(values: Ints) -> list[Ints]:
    """Minima of all runs of 1, 2, 4, ... values."""
    table = [values]
    while (step := 1 << len(table)) <= len(values):
        last = table[-1]
        table.append(np.minimum(last[: -step // 2], last[step // 2 :]))
    return table


def _running(held: NDArray[np.bool_]) -> Ints:
    """How many of the first 0, 1, 2, ... are held, (n + 1,)."""
    return np.concatenate([[0], np.cumsum(held, dtype=np.int64)])
