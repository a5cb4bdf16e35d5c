"""The exhibits: how people usually write "book it", one file each, and the guarded way beside them.

Each runs on a scratch table of the same columns as the record's ``claim``, checks every resource of the visit (many
systems check the provider only), and commits at READ COMMITTED, PostgreSQL's default.
"""
