"""From an assessment to a message on somebody's phone: facts, wording, routing, delivery, answers."""
