"""Whether the tests of what must not be wrong notice when it is wrong. ``python -m benchmarks.mutation --help``."""
