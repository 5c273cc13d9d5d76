"""The trade desk: proposals, consent, execution, and what is shown of them."""
