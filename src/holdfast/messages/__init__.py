"""Messages to clients: confirmations, changes, cancellations, reminders and follow-ups, by e-mail and text."""
