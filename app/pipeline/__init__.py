"""From a cohort to a fitted model, samples and a scorecard."""

from cohortsmith.app.pipeline.blast import identity_by_blast, require_blastn, with_blast
from cohortsmith.app.pipeline.comparing import DEFAULT_FAMILIES, compare_families
from cohortsmith.app.pipeline.experiment_run import carry_out_run, check
from cohortsmith.app.pipeline.feature_extractors import image_models, image_models_for
from cohortsmith.app.pipeline.fitting import (
    duration,
    fit_and_sample,
    fit_generator,
    remove_checkpoint,
    require_public_reading,
)
from cohortsmith.app.pipeline.models import (
    alarms,
    balancing_counts,
    describe_fit,
    how_many,
    require_savable,
    save,
    summary,
    write_between,
    write_samples,
)
from cohortsmith.app.pipeline.pipeline import FitOutcome, carry_out, environment, evaluating, write_outcome

__all__ = [
    "DEFAULT_FAMILIES",
    "FitOutcome",
    "alarms",
    "balancing_counts",
    "carry_out",
    "carry_out_run",
    "check",
    "compare_families",
    "describe_fit",
    "duration",
    "environment",
    "evaluating",
    "image_models",
    "image_models_for",
    "fit_and_sample",
    "fit_generator",
    "how_many",
    "identity_by_blast",
    "remove_checkpoint",
    "require_blastn",
    "require_public_reading",
    "require_savable",
    "save",
    "summary",
    "with_blast",
    "write_between",
    "write_outcome",
    "write_samples",
]
