"""The daily digest: when whose is due, what it is about, how it reads, and telling it once."""
