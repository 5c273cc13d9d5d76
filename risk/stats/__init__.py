"""Statistics of returns and books: pure, synchronous functions, and three thin asynchronous faces over them.

Conventions, everywhere: losses are positive; alpha = 1 - confidence; quantiles interpolate linearly; a year has 365
days; sample deviations divide by n - 1, realised volatility has mean zero, skewness and kurtosis divide by n.
"""
