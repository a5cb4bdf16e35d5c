"""The worked example: a med spa with three locations and a year of appointments around today."""
