"""The margin engine: FleetBook in, Evaluation out. Pure, synchronous, float64."""
