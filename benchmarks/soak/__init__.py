"""A day of the whole bot at a hundred times the speed, under faults by chance, with everything promised checked."""
