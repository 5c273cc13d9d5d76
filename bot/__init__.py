"""The process people talk to: schedule, alerts, commands, chat transports, charts, wiring."""
