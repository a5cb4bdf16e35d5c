"""Who may act: organizations and the API keys that act for them."""
