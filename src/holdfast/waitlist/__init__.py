"""The waitlist: who would like a time that is taken, what fell free, and who is offered it."""
