"""docs/hedge-quality.md: how hedges would have worked on real bars. Run: python -m benchmarks.hedge_quality."""
