"""Named settings: the founding studies, and references that are hard to beat."""

from cohortsmith.ssl_models.presets.presets import PRESETS

__all__ = ["PRESETS"]
