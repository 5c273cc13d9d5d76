"""keel standby: a second machine without keys that watches the same accounts in silence, and speaks when the first one
does not. Duplicates are allowed, silence is not."""
