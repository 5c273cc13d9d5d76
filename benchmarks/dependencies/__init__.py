"""What is installed, what is known of it, and what it weighs. ``python -m benchmarks.dependencies --help``."""
