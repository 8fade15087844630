"""The page Samples, one file per data kind."""

from cohortsmith.app.ui.samples.subset import View

__all__ = ["View"]
