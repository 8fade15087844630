from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import DataError, write_cohort
from cohortsmith.data.named import read_cohort
from cohortsmith.data.nucleotides import GAP, MASKED
from cohortsmith.data.simulators import simulate

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("cyvcf2")

A, T, C, G = range(4)
HEAD = """##fileformat=VCFv4.2
##contig=<ID=22>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""
SAMPLES = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\ts3\ts4\n"
LABELS = "id\tlabel\ns1\tcase\ns2\tcase\ns3\tcontrol\ns4\tcontrol\n"


def _site(position: int, ref: str, alt: str, *calls: str) -> str:
    return "\t".join(["22", str(position), ".", ref, alt, ".", "PASS", ".", "GT", *calls]) + "\n"


def _file(folder: Path, *sites: str, head: str = HEAD + SAMPLES, name: str = "x.vcf") -> Path:
    path = folder / name
    text = (head + "".join(sites)).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    (folder / "labels.tsv").write_text(LABELS)
    return path


def test_phased_genotypes_are_two_haplotypes_of_a_patient(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        _site(10, "A", "G", "0|1", "1|1", "0|0", "0|0"),
        _site(20, "CT", "C", "0|0", "1|0", "0|1", ".|0"),
        name="x.vcf.gz",
    )
    cohort = read_cohort(path, labels=tmp_path / "labels.tsv")
    assert cohort.features == ("22:10:A:G", "22:20:CT:C")
    assert cohort.x[:, 0].tolist() == [A, G, G, G, A, A, A, A]
    assert cohort.x[:, 1].tolist() == [T, T, GAP, T, T, GAP, MASKED, T]
    assert cohort.subjects.tolist() == [name for name in ("s1", "s2", "s3", "s4") for _ in (1, 2)]
    assert cohort.class_counts() == {"case": 4, "control": 4}
    for name in ("y.vcf", "y.vcf.gz"):
        write_cohort(cohort, tmp_path / name)
        assert read_cohort(tmp_path / name).digest() == cohort.digest()


def test_unphased_genotypes_are_one_row_of_a_patient_and_come_back(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        _site(10, "A", "G", "0/1", "1/1", "0/0", "0|0"),
        _site(20, "C", "T", "1/0", "0/1", "./.", "0/0"),
    )
    cohort = read_cohort(path, labels=tmp_path / "labels.tsv")
    assert cohort.x.tolist() == [[A, G, C, T], [G, G, C, T], [A, A, MASKED, MASKED], [A, A, C, C]]
    write_cohort(cohort, tmp_path / "y.vcf")
    text = (tmp_path / "y.vcf").read_text()
    assert "GT\t0/1\t1/1\t0/0\t0/0\n" in text
    assert "GT\t0/1\t0/1\t./.\t0/0\n" in text
    assert read_cohort(tmp_path / "y.vcf").digest() == cohort.digest()


@pytest.mark.parametrize(
    ("sites", "what"),
    [
        ([_site(10, "A", "G,T", "0|1", "1|2", "0|0", "0|0")], "site 1 has 2 alternative alleles"),
        ([_site(10, "A", "<DEL>", "0|1", "1|1", "0|0", "0|0")], "not of bases"),
        ([_site(10, "A", "G", "0|1", "1", "0|0", "0|0")], "haploid and diploid"),
        ([_site(10, "A", "G", "0|1", "1|1", "0|0", "0|0")] * 2, "site 2 stands twice"),
        ([], "0 sites"),
    ],
)
def test_what_is_no_biallelic_panel_is_refused_in_one_line(tmp_path: Path, sites: list[str], what: str) -> None:
    with pytest.raises(DataError, match=what) as refused:
        read_cohort(_file(tmp_path, *sites), labels=tmp_path / "labels.tsv")
    assert "\n" not in str(refused.value)
    assert "s2" not in str(refused.value)


@pytest.mark.parametrize("text", [b"no vcf at all\n", HEAD.encode(), b"\x1f\x8b\x08broken"])
def test_a_damaged_file_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.vcf"
    path.write_bytes(text)
    with pytest.raises(DataError):
        read_cohort(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, *[_site(i, "A", "G", "0|1", "1|1", "0|0", "0|0") for i in range(1, 4000)], name="x.vcf.gz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="not a whole VCF|ends too early"):
        read_cohort(path, labels=tmp_path / "labels.tsv")


def test_simulated_haplotypes_can_be_written(tmp_path: Path) -> None:
    pytest.importorskip("msprime")
    cohort = simulate("simulated-haplotypes", 40, 0, sites=30, length=100_000, rarest=0.1)
    write_cohort(cohort, tmp_path / "x.vcf.gz")
    back = read_cohort(tmp_path / "x.vcf.gz")
    np.testing.assert_array_equal(back.x, cohort.x)
    assert back.labels.tolist() == cohort.labels.tolist()
    assert [name.split(":")[1] for name in back.features] == list(cohort.features)
