"""Looking into generators: fixed opponents, traces of the sampler, planted canaries."""

from cohortsmith.generators.analysis.fixed_opponent import discriminate
from cohortsmith.generators.analysis.sampler_trace import unfold

__all__ = ["discriminate", "unfold"]
