"""Analysis of generators: a fixed opponent, traces of the sampler, canary audits."""

from cohortsmith.generators.analysis.fixed_opponent import discriminate
from cohortsmith.generators.analysis.sampler_trace import unfold

__all__ = ["discriminate", "unfold"]
