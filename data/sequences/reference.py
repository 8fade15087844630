"""Reference sequences: positions, codons and protein of the sequence that a cohort is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.kinds import SEQUENCE, require_kind
from cohortsmith.data.nucleotides import GAP, MASKED, decode, encode
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort

# The standard genetic code (NCBI table 1), codons in the order TTT, TTC, TTA, TTG, TCT, ...
_AMINO = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODE = {"".join(codon): amino for codon, amino in zip(product("TCAG", repeat=3), _AMINO, strict=True)}
SHORTEST_FRAME = 100
CONSENSUS = "consensus"


def translate(sequence: str) -> str:
    """One-letter amino acids of the complete codons of a sequence over ATCG, with '*' for a stop."""
    return "".join(CODE[sequence[i : i + 3]] for i in range(0, len(sequence) - 2, 3))


@dataclass(frozen=True)
class Reference:
    """A reference sequence and how it is numbered.

    Attributes:
        name: accession or name, e.g. "NM_000546.6".
        sequence: over ATCG; position p is `sequence[p - start]`.
        start: position of the first base.
        cds: first and last position of the coding sequence, both included, the stop codon too; None when it has none.
            A window keeps the numbering of the whole reference.
        columns: names of the bases' alignment columns, when these are not the positions themselves.
    """

    name: str
    sequence: str
    start: int = 1
    cds: tuple[int, int] | None = None
    columns: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def end(self) -> int:
        """Position of the last base."""
        return self.start + len(self.sequence) - 1

    @cached_property
    def codes(self) -> NDArray[np.uint8]:
        """Codes of the bases, (length,), A=0, T=1, C=2, G=3."""
        codes = encode(self.sequence)
        codes.flags.writeable = False
        return codes

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Name of the alignment column of each base."""
        return self.columns or tuple(str(p) for p in range(self.start, self.end + 1))

    def base(self, position: int) -> str:
        """Base at a position."""
        return self.sequence[position - self.start]

    def span(self, first: int, last: int) -> str:
        """Bases from `first` to `last`, both included; empty when `last` is before `first`."""
        return self.sequence[first - self.start : max(last, first - 1) - self.start + 1]

    def window(self, first: int, last: int) -> Reference:
        """The part from `first` to `last`, both included, in the same numbering.

        Raises:
            DataError: the window is not within the reference.
        """
        if not self.start <= first <= last <= self.end:
            raise DataError(
                f"reference {self.name} covers positions {self.start}..{self.end}; got the window {first}..{last}: "
                "choose one inside it"
            )
        columns = self.columns[first - self.start : last - self.start + 1]
        return Reference(self.name, self.span(first, last), first, self.cds, columns)

    def codon(self, position: int) -> tuple[int, int] | None:
        """Number of the codon (1 is the start codon) and place in it (0, 1, 2); None outside the coding sequence."""
        if self.cds is None or not self.cds[0] <= position <= self.cds[1]:
            return None
        number, phase = divmod(position - self.cds[0], 3)
        return number + 1, phase

    @cached_property
    def frame(self) -> tuple[int, int]:
        """First and last position of the complete codons; last before first when there are none."""
        if self.cds is None:
            return self.start, self.start - 1
        first, last = max(self.start, self.cds[0]), min(self.end, self.cds[1])
        first += -(first - self.cds[0]) % 3
        return first, first + max(last - first + 1, 0) // 3 * 3 - 1

    @cached_property
    def protein(self) -> str:
        """Amino acids of the complete codons, with '*' for the stop; empty without a coding sequence."""
        return translate(self.span(*self.frame))


def longest_frame(sequence: str, at_least: int = SHORTEST_FRAME) -> tuple[int, int] | None:
    """First and last position (from 1, both included) of the longest reading frame, ATG to the stop codon.

    The first of equally long ones is taken; None when none has `at_least` codons before its stop. Only this strand is
    read.
    """
    best: tuple[int, int] | None = None
    for phase in range(3):
        amino = translate(sequence[phase:])
        begin = 0
        for stop in (i for i, a in enumerate(amino) if a == "*"):
            first = amino.find("M", begin, stop)
            begin = stop + 1
            length = best[1] - best[0] + 1 if best else 3 * at_least
            if first >= 0 and 3 * (stop - first + 1) > length:
                best = (phase + 3 * first + 1, phase + 3 * stop + 3)
    return best


def reference_of(cohort: Cohort) -> Reference:
    """Reference that the sequences of a cohort are compared with.

    The known reference that the cohort is recorded as aligned to, cut to its columns; otherwise its own consensus: the
    most frequent base of each column, without columns in which a gap is the most frequent or no base is known. The
    consensus is numbered by its columns when these are consecutive numbers, otherwise from 1, and its coding sequence
    is the longest reading frame of 100 codons or more.

    Raises:
        DataError: not a cohort of sequences, or it has no known base.
    """
    require_kind(cohort.kind, SEQUENCE, "a reference needs sequences")
    name = str(cohort.provenance.get("reference") or "")
    if name in REFERENCES:
        numbers = [int(c) for c in cohort.features if c.isdecimal()]
        return REFERENCES[name].window(min(numbers), max(numbers))
    counts = np.stack([(cohort.x == code).sum(axis=0) for code in range(GAP + 1)])
    codes = counts.argmax(axis=0)
    kept = np.flatnonzero((codes != GAP) & (counts.sum(axis=0) > 0))
    if not len(kept):
        raise DataError("the sequences hold no known base, so they have no consensus: give a reference (--reference)")
    columns = tuple(cohort.features[i] for i in kept)
    sequence = decode(codes[kept].astype(np.uint8))
    start = int(columns[0]) if columns[0].isdecimal() else 1
    consecutive = columns == tuple(str(start + i) for i in range(len(columns)))
    start = start if consecutive else 1
    frame = longest_frame(sequence)
    cds = (frame[0] + start - 1, frame[1] + start - 1) if frame else None
    return Reference(name or CONSENSUS, sequence, start, cds, () if consecutive else columns)


def read_reference(path_or_name: str | Path) -> Reference:
    """A reference by its name in `REFERENCES`, or from a FASTA or GenBank file with one record.

    The coding sequence is the record's first CDS feature (GenBank) or the longest reading frame (FASTA). A record with
    the name and the bases of a known reference is that reference.

    Raises:
        DataError: unknown name or file, not exactly one record, or bases other than A, C, G, T, U.
    """
    if str(path_or_name) in REFERENCES:
        return REFERENCES[str(path_or_name)]
    path = Path(path_or_name)
    if not path.is_file():
        raise DataError(
            f"no reference and no file is named {str(path_or_name)!r}; known references: {', '.join(REFERENCES)}"
            f"{near_misses(str(path_or_name), REFERENCES)}; or give a FASTA or GenBank file with one record"
        )
    name, sequence, cds = _one_record(path)
    known = REFERENCES.get(name)
    if known and known.sequence != sequence:
        raise DataError(
            f"{path}: the record is named {name} but differs from the known reference of that name; rename it"
        )
    return known or Reference(name, sequence, 1, cds or longest_frame(sequence))


def _one_record(path: Path) -> tuple[str, str, tuple[int, int] | None]:
    """Name, bases over ATCG and coding sequence (None when not stated) of a file's only record."""
    import gzip

    from Bio import SeqIO

    suffixes = [s.lower() for s in path.suffixes]
    form = "genbank" if {".gb", ".gbk"} & set(suffixes[-2:]) else "fasta"
    try:
        with gzip.open(path, "rt") if suffixes[-1:] == [".gz"] else path.open() as file:
            records = list(SeqIO.parse(file, form))
    except (OSError, EOFError, ValueError) as error:
        raise DataError(
            f"{path}: not a complete {form} file ({type(error).__name__}); write or download it again"
        ) from None
    if len(records) != 1 or not len(records[0].seq):
        raise DataError(
            f"{path}: a reference file needs exactly one record with a sequence; got {len(records)} record(s)"
        )
    record = records[0]
    codes = encode(str(record.seq))
    other = np.flatnonzero((codes == GAP) | (codes == MASKED))
    if len(other):
        raise DataError(
            f"{path}: a reference may hold bases A, C, G, T only; got {len(other)} other symbol(s), first at position "
            f"{other[0] + 1}: provide a sequence without gaps and unknown bases"
        )
    for feature in record.features:
        where = feature.location
        if feature.type == "CDS" and where is not None and where.strand != -1 and len(where) == where.end - where.start:
            return record.id, decode(codes), (int(where.start) + 1, int(where.end))
    return record.id, decode(codes), None


# Homo sapiens tumor protein p53 (TP53), transcript variant 1, mRNA: RefSeq NM_000546.6 (NCBI, public domain).
TP53 = Reference(
    "NM_000546.6",
    "CTCAAAAGTCTAGAGCCACCGTCCAGGGAGCAGGTAGCTGCTGGGCTCCGGGGACACTTTGCGTTCGGGCTGGGAGCGTGCTTTCCACGACGGTGACACG"
    "CTTCCCTGGATTGGCAGCCAGACTGCCTTCCGGGTCACTGCCATGGAGGAGCCGCAGTCAGATCCTAGCGTCGAGCCCCCTCTGAGTCAGGAAACATTTT"
    "CAGACCTATGGAAACTACTTCCTGAAAACAACGTTCTGTCCCCCTTGCCGTCCCAAGCAATGGATGATTTGATGCTGTCCCCGGACGATATTGAACAATG"
    "GTTCACTGAAGACCCAGGTCCAGATGAAGCTCCCAGAATGCCAGAGGCTGCTCCCCCCGTGGCCCCTGCACCAGCAGCTCCTACACCGGCGGCCCCTGCA"
    "CCAGCCCCCTCCTGGCCCCTGTCATCTTCTGTCCCTTCCCAGAAAACCTACCAGGGCAGCTACGGTTTCCGTCTGGGCTTCTTGCATTCTGGGACAGCCA"
    "AGTCTGTGACTTGCACGTACTCCCCTGCCCTCAACAAGATGTTTTGCCAACTGGCCAAGACCTGCCCTGTGCAGCTGTGGGTTGATTCCACACCCCCGCC"
    "CGGCACCCGCGTCCGCGCCATGGCCATCTACAAGCAGTCACAGCACATGACGGAGGTTGTGAGGCGCTGCCCCCACCATGAGCGCTGCTCAGATAGCGAT"
    "GGTCTGGCCCCTCCTCAGCATCTTATCCGAGTGGAAGGAAATTTGCGTGTGGAGTATTTGGATGACAGAAACACTTTTCGACATAGTGTGGTGGTGCCCT"
    "ATGAGCCGCCTGAGGTTGGCTCTGACTGTACCACCATCCACTACAACTACATGTGTAACAGTTCCTGCATGGGCGGCATGAACCGGAGGCCCATCCTCAC"
    "CATCATCACACTGGAAGACTCCAGTGGTAATCTACTGGGACGGAACAGCTTTGAGGTGCGTGTTTGTGCCTGTCCTGGGAGAGACCGGCGCACAGAGGAA"
    "GAGAATCTCCGCAAGAAAGGGGAGCCTCACCACGAGCTGCCCCCAGGGAGCACTAAGCGAGCACTGCCCAACAACACCAGCTCCTCTCCCCAGCCAAAGA"
    "AGAAACCACTGGATGGAGAATATTTCACCCTTCAGATCCGTGGGCGTGAGCGCTTCGAGATGTTCCGAGAGCTGAATGAGGCCTTGGAACTCAAGGATGC"
    "CCAGGCTGGGAAGGAGCCAGGGGGGAGCAGGGCTCACTCCAGCCACCTGAAGTCCAAAAAGGGTCAGTCTACCTCCCGCCATAAAAAACTCATGTTCAAG"
    "ACAGAAGGGCCTGACTCAGACTGACATTCTCCACTTCTTGTTCCCCACTGACAGCCTCCCACCCCCATCTCTCCCTCCCCTGCCATTTTGGGTTTTGGGT"
    "CTTTGAACCCTTGCTTGCAATAGGTGTGCGTCAGAAGCACCCAGGACTTCCATTTGCTTTGTCCCGGGGCTCCACTGAACAAGTTGGCCTGCACTGGTGT"
    "TTTGTTGTGGGGAGGAGGATGGGGAGTAGGACATACCAGCTTAGATTTTAAGGTTTTTACTGTGAGGGATGTTTGGGAGATGTAAGAAATGTTCTTGCAG"
    "TTAAGGGTTAGTTTACAATCAGCCACATTCTAGGTAGGGGCCCACTTCACCGTACTAACCAGGGAAGCTGTCCCTCACTGTTGAATTTTCTCTAACTTCA"
    "AGGCCCATATCTGTGAAATGCTGGCATTTGCACCTACCTCACAGAGTGCATTGTGAGGGTTAATGAAATAATGTACATCTGGCCTTGAAACCACCTTTTA"
    "TTACATGGGGTCTAGAACTTGACCCCCTTGAGGGTGCTTGTTCCCTCTCCCTGTTGGTCGGTGGGTTGGTAGTTTCTACAGTTGGGCAGCTGGTTAGGTA"
    "GAGGGAGTTGTCAAGTCTCTGCTGGCCCAGCCAAACCCTGTCTGACAACCTCTTGGTGAACCTTAGTACCTAAAAGGAAATCTCACCCCATCCCACACCC"
    "TGGAGGATTTCATCTCTTGTATATGATGATCTGGATCCACCAAGACTTGTTTTATGCTCAGGGTCAATTTCTTTTTTCTTTTTTTTTTTTTTTTTTCTTT"
    "TTCTTTGAGACTGGGTCTCGCTTTGTTGCCCAGGCTGGAGTGGAGTGGCGTGATCTTGGCTTACTGCAGCCTTTGCCTCCCCGGCTCGAGCAGTCCTGCC"
    "TCAGCCTCCGGAGTAGCTGGGACCACAGGTTCATGCCACCATGGCCAGCCAACTTTTGCATGTTTTGTAGAGATGGGGTCTCACAGTGTTGCCCAGGCTG"
    "GTCTCAAACTCCTGGGCTCAGGCGATCCACCTGTCTCAGCCTCCCAGAGTGCTGGGATTACAATTGTGAGCCACCACGTCCAGCTGGAAGGGTCAACATC"
    "TTTTACATTCTGCAAGCACATCTGCATTTTCACCCCACCCTTCCCCTCCTTCTCCCTTTTTATATCCCATTTTTATATCGATCTCTTATTTTACAATAAA"
    "ACTTTGCTGCCA",
    1,
    (143, 1324),
)

REFERENCES = {TP53.name: TP53}
