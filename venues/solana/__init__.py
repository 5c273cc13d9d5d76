"""Venues on Solana: accounts read over JSON-RPC, decoded by the layouts of a profile, checked before anything is said.

Needs the extra ``solana``. A venue of this family is one file in ``profiles/``.
"""
