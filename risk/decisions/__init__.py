"""Pure decisions: facts and a moment in, a new state out. No clock, no I/O."""
