"""Which thresholds warn in time, and how often for nothing: recorded bars played for thousands of books.

``python -m benchmarks.alert_quality`` writes docs/alert-quality.md. The figures come from the tiers' own decisions over
margin figures in closed form, which is what makes thousands of books possible; a sample of them is played once more
through the whole application, as keel replay does, and both must agree.
"""
