"""Simulated haplotypes of five populations, by the coalescent with recombination (msprime, the extra `haplotypes`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.data.io import LABEL, SAMPLE_ID

if TYPE_CHECKING:
    from numpy.typing import NDArray

POPULATIONS = {"AFR": 28_000, "AMR": 16_000, "EAS": 20_000, "EUR": 20_000, "SAS": 24_000}
"""Haploid sizes 180 generations ago, before they grow by 2 % a generation."""
_GROWTH, _GROWS = 0.02, 180
_SLOW = 0.0015  # growth before, outside Africa
_RECOMBINATION, _MUTATION = 1e-8, 1.25e-8  # per base and generation
_PAIRS = np.array([(0, 3), (3, 0), (1, 2), (2, 1), (0, 2), (2, 0), (3, 1), (1, 3)])  # codes; transitions come first
_CHANCES = np.array([4, 4, 4, 4, 1, 1, 1, 1]) / 20


def simulate_haplotypes(
    n: int, seed: int, *, sites: int = 805, length: int = 300_000, rarest: float = 0.005, grouped: bool = True
) -> Cohort:
    """Haplotypes of one region in five populations, with the linkage that a coalescent with recombination gives.

    Populations split 2400 to 600 generations ago, out of one ancestral one, and grow (a simplified form of Gutenkunst
    et al. 2009); 1e-8 recombinations and 1.25e-8 mutations a base and generation (Kelleher et al. 2016; Baumdicker et
    al. 2022). `sites` biallelic sites are drawn of those whose rarer allele has a share of at least `rarest`.

    Args:
        n: haplotypes, each of a person of its own; the populations have equal shares.
        seed: of all random draws.
        sites: variable sites.
        length: of the region, in bases.
        rarest: lowest share of a site's rarer allele.
        grouped: the populations are the classes; otherwise all are of one class.

    Returns:
        The cohort; columns are named by their position in the region.

    Raises:
        DataError: msprime is not installed, sizes are too small, or the region has fewer variable sites than asked for.
    """
    if n < 2 * len(POPULATIONS) or sites < 2 or length < sites or not 0 <= rarest < 0.5:
        raise DataError(
            f"the simulation needs at least {2 * len(POPULATIONS)} haplotypes, 2 sites, a base for each and rarest "
            f"from 0 to 0.5; got {n} haplotypes, {sites} sites, {length} bases, rarest {rarest}"
        )
    rng = np.random.default_rng(seed)
    sizes = [n // len(POPULATIONS) + (i < n % len(POPULATIONS)) for i in range(len(POPULATIONS))]
    carried, positions = _genealogy(dict(zip(POPULATIONS, sizes, strict=True)), length, rng)
    share = carried.mean(axis=0)
    usable = np.flatnonzero(np.minimum(share, 1 - share) >= max(rarest, 1 / n))
    if len(usable) < sites:
        raise DataError(
            f"the region has {len(usable)} sites of that frequency, {sites} were asked for: take a longer one"
        )
    kept = np.sort(rng.choice(usable, sites, replace=False))
    alleles = _PAIRS[rng.choice(len(_PAIRS), sites, p=_CHANCES)].astype(np.uint8)
    order = rng.permutation(n)
    x = np.where(carried[:, kept], alleles[:, 1], alleles[:, 0])[order]
    y = np.repeat(np.arange(len(POPULATIONS)), sizes)[order]
    ids = pd.Index([f"haplotype-{i:06d}" for i in range(n)], dtype=object, name=SAMPLE_ID)
    return Cohort(
        kind="sequence",
        x=x,
        y=y if grouped else np.zeros_like(y),
        classes=tuple(POPULATIONS) if grouped else ("all",),
        features=tuple(str(position) for position in positions[kept].tolist()),
        subjects=np.asarray(ids, dtype=np.str_),
        obs=pd.DataFrame(index=ids),
        provenance={"source": "simulated", "label": LABEL, "seed": seed, "reference": "", "masked": 0},
    )


def _genealogy(
    sizes: dict[str, int], length: int, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Who carries the derived allele (n, sites), and the sites' positions from 1."""
    try:
        import msprime
    except ImportError:
        raise DataError(
            "simulated-haplotypes needs msprime; install it: pip install 'cohortsmith[haplotypes]'"
        ) from None
    seeds = rng.integers(1, 2**31, 2).tolist()
    ancestry = msprime.sim_ancestry(
        sizes, ploidy=1, demography=_demography(msprime), sequence_length=length,
        recombination_rate=_RECOMBINATION, random_seed=seeds[0],
    )  # fmt: skip
    trees = msprime.sim_mutations(ancestry, rate=_MUTATION, random_seed=seeds[1], model=msprime.BinaryMutationModel())
    return trees.genotype_matrix().T > 0, trees.tables.sites.position.astype(np.int64) + 1


def _demography(msprime: Any) -> Any:
    made = msprime.Demography()
    for name, size in POPULATIONS.items():
        made.add_population(name=name, initial_size=size * math.exp(_GROWTH * _GROWS), growth_rate=_GROWTH)
    for name, size in (("EAS_AMR", 9000), ("SAS_EUR", 10_000), ("OUT", 4000), ("ANCESTRAL", 28_000)):
        made.add_population(name=name, initial_size=size)
    for name, size in POPULATIONS.items():
        slow = 0.0 if name == "AFR" else _SLOW
        made.add_population_parameters_change(_GROWS, population=name, initial_size=size, growth_rate=slow)
    made.add_population_split(600, derived=["EAS", "AMR"], ancestral="EAS_AMR")
    made.add_population_split(700, derived=["SAS", "EUR"], ancestral="SAS_EUR")
    made.add_population_split(900, derived=["SAS_EUR", "EAS_AMR"], ancestral="OUT")
    made.add_population_split(2400, derived=["AFR", "OUT"], ancestral="ANCESTRAL")
    return made
