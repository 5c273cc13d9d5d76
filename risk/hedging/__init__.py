"""What a hedge is made of, as pure functions: exposures, what the market takes and asks, strategies, order of trades.

Everything here works on one account's book and on depths that somebody fetched. No I/O, no clock, no venue.
"""
