"""`IMAGE_METRICS`: figures that only images have. A new one is one entry here."""

from __future__ import annotations

from cohortsmith.data.kinds import IMAGE
from cohortsmith.evaluation.metrics.common import Metric
from cohortsmith.evaluation.metrics.common import tstr as utility
from cohortsmith.evaluation.metrics.images import frechet_kid as image_features
from cohortsmith.evaluation.metrics.images import modes as image_modes
from cohortsmith.evaluation.metrics.images import near_copies as image_copies
from cohortsmith.evaluation.metrics.images import pixels as image_pixels

_ONLY = (IMAGE,)
_BINKOWSKI = "Binkowski et al. 2018, Demystifying MMD GANs, ICLR"
_MEEHAN = "Meehan et al. 2020, A non-parametric test to detect data-copying, AISTATS"

IMAGE_METRICS: tuple[Metric, ...] = (
    Metric(
        name="pixel_wasserstein",
        group="fidelity",
        direction="lower",
        bounds=(0, 255),
        explanation="How many of 255 grey levels each pixel must change for its values to be distributed as in real "
        "images, averaged over pixels.",
        source="Villani 2009, Optimal Transport, ch. 6",
        measure=image_pixels.pixel_wasserstein,
        kinds=_ONLY,
    ),
    Metric(
        name="pixel_js",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="How differently each pixel's grey levels are distributed, averaged over pixels: 0 alike, 1 "
        "disjoint.",
        source="Lin 1991, IEEE Trans. Inf. Theory 37:145",
        measure=image_pixels.pixel_js,
        kinds=_ONLY,
    ),
    Metric(
        name="colour_wasserstein",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="How far brightness, contrast and colour of whole images must be moved to match the real ones, in "
        "standard deviations, averaged over such traits.",
        source="Villani 2009, Optimal Transport, ch. 6",
        measure=image_pixels.colour_wasserstein,
        kinds=_ONLY,
    ),
    Metric(
        name="power_spectrum",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="How far the amount of detail of each size is off, in decibels: blurred images lack fine detail, "
        "noisy ones have too much of it.",
        source="Durall et al. 2020, Watch your up-convolution, CVPR",
        measure=image_pixels.power_spectrum,
        kinds=_ONLY,
    ),
    Metric(
        name="frechet_fixed",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="The same distance in what a fixed network sees that has learnt nothing: comparable between "
        "cohorts and papers.",
        source="Heusel et al. 2017, Two time-scale update rule, NeurIPS",
        measure=image_features.frechet_fixed,
        kinds=_ONLY,
    ),
    Metric(
        name="kernel_distance",
        group="fidelity",
        direction="lower",
        bounds=(None, None),
        explanation="How far apart real and synthetic images are in what a network learnt from real ones: about 0 when "
        "alike.",
        source=_BINKOWSKI,
        measure=image_features.kernel_distance,
        kinds=_ONLY,
    ),
    Metric(
        name="kernel_distance_fixed",
        group="fidelity",
        direction="lower",
        bounds=(None, None),
        explanation="The same distance in what a fixed network sees that has learnt nothing.",
        source=_BINKOWSKI,
        measure=image_features.kernel_distance_fixed,
        kinds=_ONLY,
    ),
    Metric(
        name="class_diversity",
        group="fidelity",
        direction="higher",
        bounds=(0, None),
        explanation="How many different images the least varied class is worth, over the real number: far below 1, the "
        "generator repeats itself.",
        source="Leinster and Cobbold 2012, Ecology 93:477",
        measure=image_modes.class_diversity,
        kinds=_ONLY,
    ),
    Metric(
        name="rare_modes",
        group="fidelity",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of rare stains and lights of real images that come about as often, within a factor of 2, in "
        "synthetic ones.",
        source="Yu et al. 2020, Inclusive GAN, ECCV",
        measure=image_modes.rare_modes,
        kinds=_ONLY,
    ),
    Metric(
        name="tstr_macro_f1",
        group="utility",
        direction="higher",
        bounds=(0, 1),
        explanation="F1 of the classifier that learnt from synthetic images on unseen real ones, averaged over "
        "classes, rare ones counting as much as common ones.",
        source="Esteban et al. 2017, Recurrent conditional GANs, arXiv:1706.02633",
        measure=utility.tstr_macro_f1,
        kinds=_ONLY,
    ),
    Metric(
        name="near_copies_pixel",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic images that are nearer to a train image, however turned, than 99 % of new real "
        "images are: 0.01 when nothing is copied.",
        source=_MEEHAN,
        measure=image_copies.near_copies_pixel,
        kinds=_ONLY,
    ),
    Metric(
        name="near_copies_fixed",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="The same share as a fixed network sees it that has learnt nothing.",
        source=_MEEHAN,
        measure=image_copies.near_copies_fixed,
        kinds=_ONLY,
    ),
)
