"""keel check: is everything that Keel relies on as it should be? Each line a fact and, where something is wrong, what
to do about it. Nothing is changed, nobody is alarmed, no heartbeat is made."""
