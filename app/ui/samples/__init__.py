"""The page Samples, by data kind."""

from cohortsmith.app.ui.samples.subset import View

__all__ = ["View"]
