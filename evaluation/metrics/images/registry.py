"""`IMAGE_METRICS`: metrics of images only. A new one is one entry here."""

from __future__ import annotations

from cohortsmith.data.kinds import IMAGE
from cohortsmith.evaluation.metrics.common import Metric, tstr
from cohortsmith.evaluation.metrics.images import frechet_kid, modes, near_copies, pixels

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
        measure=pixels.pixel_wasserstein,
        kinds=_ONLY,
    ),
    Metric(
        name="pixel_js",
        group="fidelity",
        direction="lower",
        bounds=(0, 1),
        explanation="Divergence of the distributions of each pixel's grey levels, averaged over pixels: 0 equal, 1 "
        "disjoint.",
        source="Lin 1991, IEEE Trans. Inf. Theory 37:145",
        measure=pixels.pixel_js,
        kinds=_ONLY,
    ),
    Metric(
        name="colour_wasserstein",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="How far brightness, contrast and colour of whole images must be moved to match the real ones, in "
        "standard deviations, averaged over these statistics.",
        source="Villani 2009, Optimal Transport, ch. 6",
        measure=pixels.colour_wasserstein,
        kinds=_ONLY,
    ),
    Metric(
        name="power_spectrum",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="Difference of the power at each spatial frequency, in decibels: blurred images lack high "
        "frequencies, noisy ones have too much power there.",
        source="Durall et al. 2020, Watch your up-convolution, CVPR",
        measure=pixels.power_spectrum,
        kinds=_ONLY,
    ),
    Metric(
        name="frechet_fixed",
        group="fidelity",
        direction="lower",
        bounds=(0, None),
        explanation="The same distance on features of a fixed, untrained network: comparable between cohorts and "
        "papers.",
        source="Heusel et al. 2017, Two time-scale update rule, NeurIPS",
        measure=frechet_kid.frechet_fixed,
        kinds=_ONLY,
    ),
    Metric(
        name="kernel_distance",
        group="fidelity",
        direction="lower",
        bounds=(None, None),
        explanation="Distance (KID) of real and synthetic images on features of a network trained on real ones: about "
        "0 for equal distributions.",
        source=_BINKOWSKI,
        measure=frechet_kid.kernel_distance,
        kinds=_ONLY,
    ),
    Metric(
        name="kernel_distance_fixed",
        group="fidelity",
        direction="lower",
        bounds=(None, None),
        explanation="The same distance on features of a fixed, untrained network.",
        source=_BINKOWSKI,
        measure=frechet_kid.kernel_distance_fixed,
        kinds=_ONLY,
    ),
    Metric(
        name="class_diversity",
        group="fidelity",
        direction="higher",
        bounds=(0, None),
        explanation="Effective number of different images in the least diverse class, relative to real images: far "
        "below 1 the generator repeats itself (mode collapse).",
        source="Leinster and Cobbold 2012, Ecology 93:477",
        measure=modes.class_diversity,
        kinds=_ONLY,
    ),
    Metric(
        name="rare_modes",
        group="fidelity",
        direction="higher",
        bounds=(0, 1),
        explanation="Share of the rare appearance clusters (stain, illumination) of real images that are as frequent, "
        "within a factor of 2, in synthetic ones.",
        source="Yu et al. 2020, Inclusive GAN, ECCV",
        measure=modes.rare_modes,
        kinds=_ONLY,
    ),
    Metric(
        name="tstr_macro_f1",
        group="utility",
        direction="higher",
        bounds=(0, 1),
        explanation="F1 on unseen real images of the classifier trained on synthetic ones, averaged over classes, so "
        "that rare ones count as much as common ones.",
        source="Esteban et al. 2017, Recurrent conditional GANs, arXiv:1706.02633",
        measure=tstr.tstr_macro_f1,
        kinds=_ONLY,
    ),
    Metric(
        name="near_copies_pixel",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic images that are closer to a train image, in any orientation, than 99 % of "
        "unseen real images are: 0.01 when nothing is copied.",
        source=_MEEHAN,
        measure=near_copies.near_copies_pixel,
        kinds=_ONLY,
    ),
    Metric(
        name="near_copies_fixed",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="The same share on features of a fixed, untrained network.",
        source=_MEEHAN,
        measure=near_copies.near_copies_fixed,
        kinds=_ONLY,
    ),
)
