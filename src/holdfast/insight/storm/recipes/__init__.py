"""The exhibits: how people usually write "book it", one file each, and the guarded way beside them.

Each runs on a scratch table of the same columns as the record's ``claim``, checks every resource of the visit (many
systems check the provider only), and commits at READ COMMITTED, PostgreSQL's default.
"""

from holdfast.insight.storm.recipes.check_then_insert import CheckThenInsert
from holdfast.insight.storm.recipes.guarded import Guarded
from holdfast.insight.storm.recipes.not_exists import NotExists
from holdfast.insight.storm.recipes.plain_insert import PlainInsert
from holdfast.insight.storm.recipes.recipe import Recipe
from holdfast.insight.storm.recipes.redis_lock import RedisLock

__all__ = ["CheckThenInsert", "Guarded", "NotExists", "PlainInsert", "Recipe", "RedisLock"]
