"""Scripts that produce the results in docs/benchmarks.md; each runs as `python benchmarks/NAME.py`."""
