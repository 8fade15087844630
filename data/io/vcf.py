"""VCF in and out, through cyvcf2 (htslib): biallelic genotypes as sequences whose columns are the variable sites."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.io.column_names import LABEL
from cohortsmith.data.io.sequence_records import Record
from cohortsmith.data.nucleotides import ALPHABET, GAP, MASKED
from cohortsmith.data.sequences import VariableSite, site_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort

VCF = (".vcf", ".vcf.gz")
_SAMPLE = re.compile(r"##SAMPLE=<(.*)>\s*")
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^,]*)')
_BASES = re.compile(r"[ACGT]+")
_BIALLELIC = "keep the biallelic sites first, e.g. bcftools view -m2 -M2, or split others by bcftools norm -m -any"


class Genotypes(NamedTuple):
    """Genotypes of a file as sequences.

    Attributes:
        records: one per row, without letters.
        owners: the record of the sample that each row is of.
        x: (rows, columns) codes.
        columns: their names.
        form: "haploid", "phased" or "unphased".
    """

    records: list[Record]
    owners: list[Record]
    x: NDArray[np.uint8]
    columns: tuple[str, ...]
    form: str


def read_vcf(path: Path) -> Genotypes:
    """Genotypes of a VCF file of biallelic sites.

    Phased diploid and haploid genotypes give a row per haplotype, `SAMPLE/1` and `SAMPLE/2` of the patient SAMPLE;
    unphased ones a row per patient and two columns per site (`VariableSite.copy`). A missing allele is masked. Classes
    are those of `##SAMPLE=<ID=...,label=...>` lines, as this program writes them.

    Raises:
        DataError: cyvcf2 is not installed; a damaged file; no samples, sites or genotypes; a site with several or with
            symbolic alleles, or that stands twice; a mixture of haploid and diploid genotypes.
    """
    try:
        from cyvcf2 import VCF as Reader
    except ImportError:
        raise DataError(f"{path.name}: VCF needs cyvcf2; install it: pip install 'cohortsmith[vcf]'") from None
    try:
        file = Reader(str(path))
        samples, header = list(file.samples), str(file.raw_header)
        sites: list[VariableSite] = []
        calls: list[NDArray[np.int16]] = []
        for number, variant in enumerate(file, 1):
            sites.append(_site(variant, f"{path.name}: site {number}"))
            if samples:
                if variant.genotype is None:
                    raise DataError(f"{path.name}: site {number} has no genotypes (GT); expected one for each sample")
                calls.append(np.asarray(variant.genotype.array(), dtype=np.int16))
    except DataError:
        raise
    except Exception as error:  # htslib and cyvcf2 raise several types for a damaged file
        raise DataError(
            f"{path.name} is not a whole VCF file ({type(error).__name__}); write or download it again"
        ) from None
    if not samples or not sites:
        raise DataError(f"{path.name} has {len(samples)} samples and {len(sites)} sites; expected some of both")
    names = [site.name for site in sites]
    if len(set(names)) < len(names):
        twice = next(number for number, name in enumerate(names) if name in names[:number])
        raise DataError(
            f"{path.name}: site {twice + 1} stands twice in the file; remove one, e.g. bcftools norm -d exact"
        )
    ploidy = {call.shape[1] - 1 for call in calls}
    half = any(bool((call[:, :-1] == -2).any()) for call in calls)
    if len(ploidy) > 1 or max(ploidy) > 2 or (half and max(ploidy) > 1):
        raise DataError(
            f"{path.name} mixes haploid and diploid genotypes, or has others; keep one kind, e.g. leave out "
            "chromosomes X and Y"
        )
    called = np.stack([call[:, :-1] for call in calls], axis=2)  # samples, copies, sites
    phased = np.stack([call[:, -1] for call in calls], axis=1) > 0
    codes = np.array([site.codes for site in sites], dtype=np.uint8)
    fields = _fields(header)
    owners = [Record(name, name, fields.get(name, {}), "", path.name, i) for i, name in enumerate(samples, 1)]
    if ploidy == {1}:
        return Genotypes(owners, owners, _coded(called[:, 0], codes), tuple(names), "haploid")
    whole: NDArray[np.bool_] = np.all(called >= 0, axis=1)
    differing: NDArray[np.bool_] = np.not_equal(called[:, 0], called[:, 1]) & whole
    if not (differing & ~phased).any():
        x = np.stack([_coded(called[:, copy], codes) for copy in (0, 1)], axis=1).reshape(-1, len(sites))
        both = [record for record in owners for _ in (1, 2)]
        records = [
            record._replace(name=f"{record.name}/{1 + i % 2}", fields={**record.fields, "subject": record.name})
            for i, record in enumerate(both)
        ]
        return Genotypes(records, both, x, tuple(names), "phased")
    ordered = np.where(whole[:, None], np.sort(called, axis=1), -1)
    x = np.stack([_coded(ordered[:, copy], codes) for copy in (0, 1)], axis=2).reshape(len(samples), -1)
    columns = tuple(site._replace(copy=copy).name for site in sites for copy in (1, 2))
    return Genotypes(owners, owners, x, columns, "unphased")


def write_vcf(cohort: Cohort, stream: Any) -> None:
    """Write a cohort as VCF 4.3; `read_vcf` gives the same sites and genotypes.

    Columns named as `VariableSite` are sites as they are; other columns are positions on a chromosome 1, whose most
    frequent base is the reference. Two rows of one patient are a phased diploid genotype, single rows haploid ones,
    columns of unphased genotypes unphased ones.

    Raises:
        DataError: a column with a gap or three bases, or a patient of more than two rows.
    """
    named = [site_of(name) for name in cohort.features]
    sites = [site or _numbered(cohort, column) for column, site in enumerate(named)]
    codes = np.array([site.codes for site in sites], dtype=np.uint8)
    alleles = np.where(cohort.x == codes[:, 1], 1, np.where(cohort.x == codes[:, 0], 0, -1))
    unphased = any(site.copy for site in sites)
    subjects, first, many = np.unique(cohort.subjects, return_index=True, return_counts=True)
    if unphased or (many == 1).all():
        names, rows = cohort.ids.astype(str).tolist(), np.arange(len(cohort))[:, None]
    elif (many == 2).all():
        order = np.argsort(first, kind="stable")
        names = subjects[order].tolist()
        rows = np.argsort(cohort.subjects, kind="stable").reshape(-1, 2)[order]
    else:
        raise DataError("cannot write VCF: patients of one and of two haplotypes, or more; write .fasta")
    if len(set(names)) < len(names) or any(re.search(r"\s", name) or not name for name in names):
        raise DataError("cannot write VCF: sample names must be unique and without spaces; rename them")
    label = cohort.labels[rows[:, 0]]
    lines = ["##fileformat=VCFv4.3", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    lines += [f"##contig=<ID={chrom}>" for chrom in dict.fromkeys(site.chrom for site in sites)]
    lines += [f'##SAMPLE=<ID={name},{LABEL}="{_quoted(of)}">' for name, of in zip(names, label.tolist(), strict=True)]
    lines.append("\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names]))
    stream.write(("\n".join(lines) + "\n").encode())
    text = np.array(["0", "1", "."])
    for start in range(0, len(sites), 2 if unphased else 1):
        site = sites[start]
        if unphased:
            parts = [text[alleles[:, start + 1]], text[alleles[:, start]]]  # the larger stands last
            parts.reverse()
            mark = "/"
        else:
            parts, mark = [text[alleles[rows[:, copy], start]] for copy in range(rows.shape[1])], "|"
        genotypes = [mark.join(one) for one in zip(*(part.tolist() for part in parts), strict=True)]
        head = [site.chrom, str(site.position), ".", site.ref, site.alt, ".", ".", ".", "GT"]
        stream.write(("\t".join([*head, *genotypes]) + "\n").encode())


def _site(variant: Any, where: str) -> VariableSite:
    if len(variant.ALT) != 1:
        raise DataError(f"{where} has {len(variant.ALT)} alternative alleles; one is expected: {_BIALLELIC}")
    ref, alt = variant.REF.upper(), variant.ALT[0].upper()
    if not _BASES.fullmatch(ref) or not _BASES.fullmatch(alt) or ref == alt:
        raise DataError(f"{where} has an allele that is not of bases A, C, G, T; {_BIALLELIC} -e 'ALT~\"[<*]\"'")
    if re.search(r"[\s:]", variant.CHROM):
        raise DataError(f"{where} is on a chromosome whose name has a colon or a space; rename it")
    return VariableSite(variant.CHROM, int(variant.POS), ref, alt)


def _coded(called: NDArray[np.int16], codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Codes of called alleles (n, sites): 0 or 1, negative for missing ones."""
    x: NDArray[np.uint8] = np.where(called < 0, MASKED, np.where(called > 0, codes[:, 1], codes[:, 0])).astype(np.uint8)
    return x


def _fields(header: str) -> dict[str, dict[str, str]]:
    """Fields of each sample of `##SAMPLE=<ID=...>` lines."""
    found: dict[str, dict[str, str]] = {}
    for line in header.splitlines():
        if hit := _SAMPLE.fullmatch(line):
            own = {
                name: re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
                for name, value in _FIELD.findall(hit[1])
            }
            found[own.pop("ID", "")] = own
    return found


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _numbered(cohort: Cohort, column: int) -> VariableSite:
    name = cohort.features[column]
    held = np.bincount(cohort.x[:, column], minlength=MASKED + 1)[: GAP + 1]
    order = np.argsort(-held, kind="stable")
    if held[GAP] or (held > 0).sum() > 2 or not name.isdecimal():
        raise DataError(f"cannot write VCF: column {name} is no biallelic site of bases; write .fasta")
    ref = int(order[0])
    alt = int(order[1]) if held[order[1]] else (ref ^ 3 if ref in (0, 3) else 3 - ref)
    return VariableSite("1", int(name), ALPHABET[ref], ALPHABET[alt])
