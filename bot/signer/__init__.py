"""The process that holds the key: it signs what its own grammar and caps allow, and nothing else.

It imports solders and the standard library only. ``intent`` and ``wire`` are shared with whoever asks it.
"""
