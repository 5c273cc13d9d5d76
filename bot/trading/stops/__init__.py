"""Stops and targets that rest at the venue: watched, found wanting, told when they end."""
