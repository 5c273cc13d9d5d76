"""Frozen dataclasses that cross every boundary. No behaviour beyond what their own fields answer."""
