"""docs/model-quality.md: how the VaR methods would have fared on real bars. Run: python -m benchmarks.model_quality."""
