"""Scripts behind the figures of docs/benchmarks.md; each runs as `python benchmarks/NAME.py`."""
