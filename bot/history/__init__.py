"""The past: which bars, rates and fills are at hand, where they come from, and how people add their own."""
