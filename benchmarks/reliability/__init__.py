"""What every fault of docs/reliability.md costs, measured and written there."""
