"""What protects an account: steps to take now, and orders that rest at the venue. Pure; see docs/protection.md."""
