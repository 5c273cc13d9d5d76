"""How numbers, ages and tables look in chat. Formatting only: what is said is worded beside its command or alert."""
