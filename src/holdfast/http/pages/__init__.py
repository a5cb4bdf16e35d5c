"""HTML for people. Every page is complete without JavaScript; scripts only make it quicker."""
