"""Names of the variable sites of a VCF: 'chr22:16050075:A:G', and '.../1' and '.../2' of unphased genotypes."""

from __future__ import annotations

import re
from typing import NamedTuple

from cohortsmith.data.nucleotides import GAP, encode

_NAME = re.compile(r"(?P<chrom>[^\s:]+):(?P<position>\d+):(?P<ref>[ACGT]+):(?P<alt>[ACGT]+)(?:/(?P<copy>[12]))?")


class VariableSite(NamedTuple):
    """A biallelic site.

    Attributes:
        chrom, position, ref, alt: as in a VCF; positions count from 1.
        copy: 0 where a row is a haplotype; where a row is a person of unphased genotype, 1 and 2 for its two columns,
            the first of which holds the alternative allele only in those that have it twice.
    """

    chrom: str
    position: int
    ref: str
    alt: str
    copy: int = 0

    @property
    def name(self) -> str:
        """Name of the column."""
        return f"{self.chrom}:{self.position}:{self.ref}:{self.alt}" + (f"/{self.copy}" if self.copy else "")

    @property
    def codes(self) -> tuple[int, int]:
        """Codes of both alleles, the reference first: of their first bases that differ; a gap where one has none."""
        same = next((i for i, (a, b) in enumerate(zip(self.ref, self.alt, strict=False)) if a != b), None)
        if same is None:
            same = min(len(self.ref), len(self.alt))
        ref, alt = (int(encode(text[same])[0]) if same < len(text) else GAP for text in (self.ref, self.alt))
        return ref, alt


def site_of(feature: str) -> VariableSite | None:
    """The site that a column's name states; None for other columns."""
    hit = _NAME.fullmatch(feature)
    if hit is None or hit["ref"] == hit["alt"]:
        return None
    return VariableSite(hit["chrom"], int(hit["position"]), hit["ref"], hit["alt"], int(hit["copy"] or 0))


def alleles_of(feature: str) -> tuple[int, int] | None:
    """Codes of the two alleles that a column's name states; None for other columns."""
    site = site_of(feature)
    return site.codes if site else None
