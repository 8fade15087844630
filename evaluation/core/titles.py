"""Names and values of metrics as printed."""

from __future__ import annotations

_SPELT = {word: word.upper() for word in "js mmd auc tstr trts trtr tpr fpr domias dcr nndr knn gan".split()}
_SPELT |= {"wasserstein": "Wasserstein", "frechet": "Fréchet", "cpg": "CpG", "kmer": "k-mer", "de": "DE"}
_PHRASES = (
    ("GAN leaks", "GAN-Leaks"),
    ("AUC linear", "AUC, linear"),
    ("AUC unique", "AUC, unique carriers"),
    ("accuracy real", "accuracy, real"),
    ("accuracy synthetic", "accuracy, synthetic"),
    ("ld decay", "LD decay"),
    ("mean r2", "mean r²"),
    ("frequency spectrum", "site-frequency spectrum"),
    ("ti tv", "transitions / transversions"),
    ("JS 3", "JS, k = 3"),
    ("JS 6", "JS, k = 6"),
    ("TSTR macro f1", "TSTR, macro F1"),
    ("distance fixed", "distance, fixed network"),
    ("Fréchet fixed", "Fréchet, fixed network"),
    ("copies fixed", "copies, fixed network"),
    ("copies pixel", "copies, pixels"),
    ("copies ratio", "copies, by ratio of distances"),
    ("copies registered", "copies, registered"),
)
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def title_of(name: str) -> str:
    """A metric's name as words."""
    text = " ".join(_SPELT.get(word, word) for word in name.split("_"))
    for plainly, spelt in _PHRASES:
        text = text.replace(plainly, spelt)
    return text if text.startswith("k-mer") else text[:1].upper() + text[1:]


def number(value: float | None) -> str:
    """Three decimals, or two significant digits outside 0.001..1000, with a minus sign and powers of ten."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if 0.001 <= abs(value) < 1000:
        return f"{value:.3f}".replace("-", "−")
    digits, _, power = f"{value:.2g}".partition("e")
    raised = str(int(power)).translate(_RAISED) if power else ""
    return digits.replace("-", "−") + (f"·10{raised}" if raised else "")
