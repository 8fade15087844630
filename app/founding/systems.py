"""The five systems this project was founded on: what each asked, what it found, and what answers it here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """One of the founding systems.

    Attributes:
        name: a few words and the year.
        asked: what it was about.
        found: (what, figure) of its own, as it published them; none where it was a plan.
        here: (what it asked for, where that is found here).
        command: what carries its study out again; "" where there is no study.
        grid: name of the grid that the command writes, "" for none.
    """

    name: str
    asked: str
    found: tuple[tuple[str, str], ...]
    here: tuple[tuple[str, str], ...]
    command: str = ""
    grid: str = ""


SYSTEMS = (
    System(
        name="TP53 and a GAN, 2022",
        asked="Medical populations are unbalanced. Generate patients of the minority class indistinguishable from "
        "real ones: a GAN on 20 mutated and 20 non-mutated TP53 mRNA sequences of 1,279 bases.",
        found=(
            ("Identity of generated sequences, by BLAST", "99.7 %"),
            ("D's score on real and on generated sequences at the end", "both near 1/2"),
            ("Limits it named", "D never learns; vanishing gradient; mode collapse; instability"),
            ("Its answer", "the Wasserstein distance (WGAN)"),
        ),
        here=(
            ("A discriminator over classes, alone", "its accuracy curve with and without activation, in the study"),
            ("GAN, WGAN with gradient penalty", "families gan and wgan, on sequences, expression and images"),
            ("D's score curves and JS from its loss", "page Generate while it trains, and every report"),
            ("Mode collapse", "an alarm on every fit"),
            ("BLAST identity", "the figure of identity, and --blast; beside real new patients and random edits"),
        ),
        command="cohortsmith study tp53-founding --out runs/founding",
    ),
    System(
        name="Expression topics, 2023",
        asked="Diffusion models for expression profiles against GAN and VAE: to augment small data sets, to share "
        "artificial patients, to simulate interventions; counterfactual explanation; learning from few samples.",
        found=(),
        here=(
            ("Diffusion against GAN and VAE", "cohortsmith compare: every family beside baselines, on one split"),
            ("Augmenting small data sets", "page Utility: grids of cohortsmith utility"),
            ("Sharing artificial patients", "page Privacy: attacks, an audit, a decision by a policy"),
            ("Few samples", "pretexts vime and subtab; learning curves against labelled patients"),
            ("Interventions, counterfactuals, domain adaptation", "not here"),
        ),
        command="cohortsmith compare gse7390 --out runs/gse7390",
    ),
    System(
        name="Transcriptomes, 2021",
        asked="Self-supervised learning on 27,887 microarrays and 6,464 RNA-seq profiles of TCGA (12 classes): does "
        "masked prediction or contrast help a classifier with few labelled patients?",
        found=(
            ("Accuracy lost with 50 labels, microarray", "about 10 points"),
            ("Accuracy lost with 50 labels, TCGA", "about 3 points"),
            ("Masked prediction", "stops helping above about 10 % of the genes"),
            ("Contrast", "best with one negative per positive, and no projector"),
            ("Over the supervised reference, few labels", "nothing beat it"),
        ),
        here=(
            ("Supervised reference 1000-700-700", "presets microarray-2021 and tcga-2021"),
            ("Masked prediction, frozen layers, predicted patients", "pretext masked, settings frozen and consistency"),
            ("Contrastive learning", "pretext contrastive; scarf, vime and subtab beside it"),
            ("Synthetic patients as the unlabelled set", "role unlabelled of a grid"),
        ),
        command="cohortsmith study transcriptome-2021 tcga.h5ad --out runs/transcriptomes",
        grid="transcriptome-2021",
    ),
    System(
        name="Medical images, 2025",
        asked="Self-supervised learning on BloodMNIST and DermaMNIST at 28 pixels, with all labels and with a quarter: "
        "SimCLR, MoCo, MAE, AIM with the backbone frozen or not, and fusions of them.",
        found=(),
        here=(
            ("Supervised ResNet-18", "preset images-2025, images-2025-cpu in small; small-cnn as a strong reference"),
            ("SimCLR, MoCo, MAE, AIM, BF and BNF", "the study's classifiers"),
            ("FSM, FAA, FSAAM", "fusions of a grid"),
            ("MoCo-34, MoCo-Plus", "--classifiers moco34-bnf; --unlabelled FILE"),
            ("Duplicates across splits", "reported before every run, and on the page Cohorts"),
        ),
        command="cohortsmith study images-2025 bloodmnist dermamnist --out runs/images",
        grid="images-2025",
    ),
    System(
        name="A course, 2026",
        asked="Pretext tasks by data kind, representation learning by autoencoders, and warnings: a badly chosen "
        "pretext gives trivial solutions or collapsed representations.",
        found=(),
        here=(
            ("Images: masked autoencoder, rotation, flip, permutation, contrast", "pretexts mae, rotation, flip, ..."),
            ("Sequences: masked token, next token", "pretexts masked-token and next-token"),
            ("VAE: ELBO, beta, reparameterisation", "family vae, its reconstruction and KL curves"),
            ("Latent interpolation", "page Samples, generation steps; cohortsmith sample --between"),
        ),
    ),
)
