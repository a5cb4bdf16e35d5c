"""Webhooks out: endpoints, signatures, deliveries in order, dead letters."""
