"""What pages are made of: templates, styles, scripts, words. Knows no web framework and no database."""
