"""Cards people press: what they say, where they are, and what a press does."""
