"""What runs behind the web server: the relay, the job queue and the chores."""
