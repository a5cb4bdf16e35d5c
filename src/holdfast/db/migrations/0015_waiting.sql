-- Outside events whose place was taken wait for it, and collisions end with either side: both are looked up by time or by
-- the other side, on every leaving, so both need an index.

-- The events of a resource by time. Without it every import compared each event with every other.
create index busy_time on holdfast.busy using gist (organization_id, resource_id, tstzrange(starts_at, ends_at))
  where removed_at is null;

-- The open collisions of a booking, a block or an outside event that leaves.
create index collision_open_other on holdfast.collision (organization_id, other_id) where resolved_at is null;

-- What a person writes is bounded everywhere.
update holdfast.collision set resolution = left(resolution, 500) where length(resolution) > 500;
alter table holdfast.collision add constraint collision_resolution_is_bounded check (length(resolution) <= 500);
