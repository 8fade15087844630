"""Named settings of classifiers: those of the founding studies, and strong reference settings."""

from cohortsmith.ssl_models.presets.registry import PRESETS

__all__ = ["PRESETS"]
