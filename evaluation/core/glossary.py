"""Glossary of the terms in reports, audits and pages: one sentence and a source each."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """A term of the glossary.

    Attributes:
        name: as printed.
        meaning: one sentence, plain text.
        source: a paper or document; "" for a term of this project.
        metrics: prefixes of the names of metrics, attacks and criteria that it explains.
    """

    name: str
    meaning: str
    source: str = ""
    metrics: tuple[str, ...] = ()


GLOSSARY: dict[str, Term] = {
    "train": Term("Train", "The real patients that the generator was trained on."),
    "holdout": Term(
        "Holdout",
        "Real patients withheld from the generator; every metric is computed against them, since metrics "
        "against train reward copying.",
    ),
    "synthetic-cohort": Term(
        "Synthetic cohort",
        "The virtual patients that a generator drew: records of no real person, if it has not memorised any.",
    ),
    "real-vs-real": Term(
        "Real-vs-real reference",
        "The score of real patients against other real patients at the same sample sizes: "
        "the value that a perfect synthetic cohort would reach.",
    ),
    "chance": Term(
        "Chance (uninformed baseline)",
        "The score of a guess or a cohort without information about the patients, such "
        "as genes drawn independently of one another or images of noise.",
    ),
    "tstr": Term(
        "TSTR",
        "Train on synthetic, test on real: the performance on holdout patients of a classifier trained on the "
        "synthetic cohort.",
        "Esteban et al. 2017, Recurrent conditional GANs, arXiv:1706.02633",
        ("tstr",),
    ),
    "trts": Term(
        "TRTS",
        "Train on real, test on synthetic: the performance on the synthetic cohort of a classifier trained on "
        "real patients.",
        "Esteban et al. 2017, Recurrent conditional GANs, arXiv:1706.02633",
        ("trts",),
    ),
    "trtr": Term(
        "TRTR",
        "Train on real, test on real: the reference for TSTR, from as many real training patients.",
        "Esteban et al. 2017, Recurrent conditional GANs, arXiv:1706.02633",
        ("trtr",),
    ),
    "discriminator-auc": Term(
        "Discriminator AUC",
        "AUC of a classifier trained to distinguish synthetic records from real ones: 0.5 if it cannot.",
        "Lopez-Paz and Oquab 2017, Revisiting classifier two-sample tests, ICLR",
        ("discriminator", "row_features"),
    ),
    "copula": Term(
        "Gaussian copula",
        "A distribution whose dependence between features is that of a Gaussian, whatever the distribution of each "
        "feature.",
        "Nelsen 2006, An introduction to copulas, section 2.3",
    ),
    "differential-expression": Term(
        "Differential expression",
        "Genes whose mean differs between classes by more than chance, corrected for the number of genes tested.",
        "Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57:289",
        ("de_",),
    ),
    "fold-change": Term(
        "Fold change",
        "Difference of a gene's mean log value between one class and the others.",
        "Love et al. 2014, DESeq2, Genome Biol. 15:550",
        ("fold_change",),
    ),
    "gene-module": Term(
        "Gene module",
        "A group of genes that vary together, which stands for a pathway where none is given.",
        "Langfelder and Horvath 2008, WGCNA, BMC Bioinformatics 9:559",
        ("pathway", "tight_pairs"),
    ),
    "attribution": Term(
        "Attribution",
        "How much each gene contributes to a classifier's answer.",
        "Krishna et al. 2022, The disagreement problem in explainable machine learning, arXiv:2202.01602",
        ("attribution",),
    ),
    "adversarial-accuracy": Term(
        "Adversarial accuracy",
        "Share of records whose nearest neighbour is of their own kind, real or synthetic: 0.5 "
        "where the two are indistinguishable, lower after copying.",
        "Yale et al. 2020, Neurocomputing 416:244",
        ("adversarial_accuracy",),
    ),
    "js-divergence": Term(
        "JS divergence",
        "Jensen-Shannon divergence of two distributions, here of one feature at a time: 0 where they "
        "are equal, at most ln 2 nats or 1 bit.",
        "Lin 1991, IEEE Trans. Inf. Theory 37:145",
        ("js_", "pixel_js", "position_js", "kmer_js"),
    ),
    "wasserstein": Term(
        "Wasserstein distance",
        "The least mean distance over which one distribution has to be moved to become the other.",
        "Villani 2009, Optimal Transport, ch. 6",
        ("wasserstein", "sliced_wasserstein", "position_wasserstein", "pixel_wasserstein", "colour_wasserstein"),
    ),
    "mmd": Term(
        "MMD",
        "Maximum mean discrepancy: the distance of the means of two samples in the feature space of a kernel; 0 "
        "for equal distributions.",
        "Gretton et al. 2012, JMLR 13:723",
        ("mmd",),
    ),
    "frechet-distance": Term(
        "Fréchet distance",
        "Distance of two Gaussians fitted to the features of real and of synthetic records; with "
        "features of an Inception network it is known as FID.",
        "Heusel et al. 2017, Two time-scale update rule, NeurIPS",
        ("frechet",),
    ),
    "kid": Term(
        "KID",
        "Kernel distance: the unbiased squared MMD of network features with a polynomial kernel, which has no "
        "bias from the sample size.",
        "Bińkowski et al. 2018, Demystifying MMD GANs, ICLR",
        ("kernel_distance",),
    ),
    "precision-recall": Term(
        "Precision and recall",
        "Share of synthetic records that lie among the real ones (fidelity), and share of real "
        "records that lie among the synthetic ones (diversity), by nearest-neighbour balls.",
        "Kynkäänniemi et al. 2019, Improved precision and recall metric, NeurIPS",
        ("precision", "recall"),
    ),
    "density-coverage": Term(
        "Density and coverage",
        "Precision and recall made robust to outliers: how many real neighbourhoods hold a "
        "synthetic record on average, and how many of them hold any.",
        "Naeem et al. 2020, Reliable fidelity and diversity metrics, ICML",
        ("density", "coverage"),
    ),
    "mode-collapse": Term(
        "Mode collapse",
        "A generator draws only a few kinds of patient and misses the rest of the distribution.",
        "Goodfellow et al. 2014, Generative adversarial nets, NeurIPS",
        ("rare_modes", "class_diversity"),
    ),
    "blast-identity": Term(
        "BLAST identity",
        "Share of aligned positions at which a sequence agrees with its best local alignment among the real ones.",
        "Camacho et al. 2009, BLAST+, BMC Bioinformatics 10:421",
        ("identity",),
    ),
    "hgvs": Term(
        "HGVS",
        "Nomenclature of sequence variants, such as c.524G>A in the coding sequence and p.(Arg175His) in the protein.",
        "den Dunnen et al. 2016, HGVS recommendations, Hum. Mutat. 37:564",
    ),
    "dcr": Term(
        "DCR",
        "Distance to the closest record: how far a synthetic record is from the nearest training record, read "
        "against the same distance to holdout.",
        "Platzer and Reutterer 2021, Front. Big Data 4:679939",
        ("dcr",),
    ),
    "nndr": Term(
        "NNDR",
        "Nearest-neighbour distance ratio: the distance to the nearest training record over that to the second "
        "nearest; small where a synthetic record sits on one patient.",
        "Zhao et al. 2021, CTAB-GAN, ACML",
        ("nndr",),
    ),
    "exact-copies": Term(
        "Exact and near copies",
        "Synthetic records that equal a training patient, or come nearer to one than new real "
        "patients do: a sign of memorised training data.",
        "Meehan et al. 2020, A non-parametric test to detect data-copying, AISTATS",
        ("exact_copies", "exact_matches", "unique_matches", "near_copies"),
    ),
    "membership-inference": Term(
        "Membership inference",
        "An attack that infers from the synthetic cohort whether a known person was in the training data.",
        "Shokri et al. 2017, Membership inference attacks, IEEE S&P",
        ("worst_attack_auc", "attack_auc", "logan"),
    ),
    "gan-leaks": Term(
        "GAN-Leaks",
        "Membership inference by the distance from a person to the nearest synthetic record, calibrated or "
        "not by the distance to other real patients.",
        "Chen et al. 2020, GAN-Leaks, CCS",
        ("gan_leaks",),
    ),
    "monte-carlo": Term(
        "Monte Carlo attack",
        "Membership inference by the number of synthetic records within a radius around a person.",
        "Hilprecht et al. 2019, Monte Carlo and reconstruction membership inference attacks, PoPETs",
        ("monte_carlo",),
    ),
    "domias": Term(
        "DOMIAS",
        "Membership inference by local overfitting: the density of synthetic records around a person over "
        "that of other real patients.",
        "van Breugel et al. 2023, DOMIAS, AISTATS",
        ("domias",),
    ),
    "shadow-model": Term(
        "Shadow model",
        "A generator of the same family, fitted again with and without a person, that shows an attacker "
        "what either outcome looks like.",
        "Carlini et al. 2022, Membership inference attacks from first principles, IEEE S&P",
        ("shadow",),
    ),
    "canary": Term(
        "Canary",
        "An artificial outlier placed in the training data to measure whether the generator memorises it.",
        "Carlini et al. 2019, The secret sharer, USENIX Security",
    ),
    "auc": Term(
        "AUC",
        "Area under the ROC curve: the probability that a positive case scores above a negative one; 0.5 is "
        "guessing, 1 is perfect.",
        "Fawcett 2006, Pattern Recognit. Lett. 27:861",
    ),
    "tpr": Term(
        "TPR at 1 % FPR",
        "True-positive rate at a false-positive rate of 1 %: the share of training patients identified by "
        "an attack that takes one in a hundred non-members for a member.",
        "Carlini et al. 2022, Membership inference attacks from first principles, IEEE S&P",
        ("worst_attack_tpr",),
    ),
    "fpr": Term(
        "False-positive rate",
        "Share of people outside the training data whom an attack classifies as members.",
        "Fawcett 2006, Pattern Recognit. Lett. 27:861",
    ),
    "singling-out": Term(
        "Singling out",
        "Isolating one person in the training data by a combination of values found in the synthetic cohort.",
        "Giomi et al. 2023, Anonymeter, PoPETs; WP29 opinion 05/2014",
        ("singling_out",),
    ),
    "linkability": Term(
        "Linkability",
        "Linking two parts of a person's record with each other by means of the synthetic cohort.",
        "Giomi et al. 2023, Anonymeter, PoPETs; WP29 opinion 05/2014",
        ("linkability",),
    ),
    "attribute-inference": Term(
        "Attribute inference",
        "Inferring unknown values of a person from known ones by means of the synthetic cohort, "
        "beyond what can be inferred about people outside the training data.",
        "Giomi et al. 2023, Anonymeter, PoPETs; WP29 opinion 05/2014",
        ("inference",),
    ),
    "k-anonymity": Term(
        "k-anonymity",
        "Every combination of identifying values is shared by at least k people.",
        "Sweeney 2002, k-anonymity, IJUFKS 10:557",
    ),
    "differential-privacy": Term(
        "Differential privacy (epsilon, delta)",
        "A bound on how much one patient can change what is released: "
        "probabilities by at most a factor exp(epsilon), up to an exception of probability delta.",
        "Dwork et al. 2006, Calibrating noise to sensitivity, TCC; Abadi et al. 2016, DP-SGD, CCS",
    ),
    "pca": Term(
        "PCA",
        "Principal component analysis: the linear projection onto the directions of largest variance.",
        "Jolliffe and Cadima 2016, Phil. Trans. R. Soc. A 374:20150202",
    ),
    "umap": Term(
        "UMAP",
        "A non-linear projection into the plane that keeps neighbours together; distances between groups mean little.",
        "McInnes et al. 2018, UMAP, arXiv:1802.03426",
    ),
    "ema": Term(
        "EMA",
        "Exponential moving average of a network's weights over training; samples are drawn with the average.",
        "Polyak and Juditsky 1992, SIAM J. Control Optim. 30:838",
    ),
    "elbo": Term(
        "ELBO",
        "Evidence lower bound: the objective of a VAE, the reconstruction term minus the divergence of the "
        "codes from their prior.",
        "Kingma and Welling 2014, Auto-encoding variational Bayes, ICLR",
    ),
    "infonce": Term(
        "InfoNCE",
        "Contrastive loss: pick the other view of the same patient among the views of all patients in a batch.",
        "van den Oord et al. 2018, Contrastive predictive coding, arXiv:1807.03748",
    ),
    "masked-prediction": Term(
        "Masked prediction",
        "A pretext task that hides part of the input and predicts it from the rest.",
        "Devlin et al. 2019, BERT, NAACL",
    ),
    "vime": Term(
        "VIME",
        "A pretext task for tables: detect which values were replaced, and restore them.",
        "Yoon et al. 2020, VIME, NeurIPS",
    ),
    "simclr": Term(
        "SimCLR",
        "Contrastive learning of two augmented views of each image within a batch.",
        "Chen et al. 2020, SimCLR, ICML",
    ),
    "moco": Term(
        "MoCo",
        "Contrastive learning against a queue of earlier views, encoded by a moving average of the network.",
        "He et al. 2020, Momentum contrast, CVPR",
    ),
    "mae": Term(
        "MAE",
        "Masked autoencoder: most patches of an image are hidden and their pixels predicted.",
        "He et al. 2022, Masked autoencoders are scalable vision learners, CVPR",
    ),
    "aim": Term(
        "AIM",
        "Autoregressive image model: each patch is predicted from those before it.",
        "El-Nouby et al. 2024, Scalable pre-training of large autoregressive image models, ICML",
    ),
    "mixmatch": Term(
        "MixMatch",
        "Semi-supervised training on mixtures of labelled samples and of unlabelled ones with guessed labels.",
        "Berthelot et al. 2019, MixMatch, NeurIPS",
    ),
}


def term_of(name: str) -> str | None:
    """Key of the term that explains a metric, an attack or a criterion of this name; None where there is none."""
    if name.endswith("_tpr"):
        return "tpr"
    return next((key for key, term in GLOSSARY.items() if name.startswith(term.metrics or ("\0",))), None)


def as_markdown() -> str:
    """The glossary as a page of the documentation, in alphabetical order."""
    lines = ["# Glossary", "", "Written from `evaluation/core/glossary.py`, which reports and audits quote too.", ""]
    for _, term in sorted(GLOSSARY.items(), key=lambda item: item[1].name.casefold()):
        source = f" ({term.source})" if term.source else ""
        lines.append(f"- **{term.name}**: {term.meaning}{source}")
    return "\n".join(lines) + "\n"
