"""How fast the product is, beside driftpy where it can do the same. ``python -m benchmarks --help``; never a test."""
