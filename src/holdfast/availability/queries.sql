-- What availability reads: what can be booked, once per version of the catalog; what is claimed, at every question.

-- name: catalog
-- Everything that rules and searches need to know of what can be booked, as one document of the version it has.
with
  here as (select holdfast.current_organization() as id),
  placed as (
    select resource_id, jsonb_agg(location_id) as ids
    from holdfast.resource_location, here where organization_id = here.id group by resource_id
  ),
  units as (
    select resource_id, jsonb_agg(unit.id order by ordinal) as ids
    from holdfast.unit, here where organization_id = here.id and retired_at is null group by resource_id
  ),
  attributes as (
    select resource_id, jsonb_object_agg(name, good_until) as named
    from holdfast.resource_attribute, here where organization_id = here.id group by resource_id
  ),
  members as (
    select m.pool_id, jsonb_agg(m.resource_id order by m.preference, r.slug) as ids
    from here
    join holdfast.pool_member m on m.organization_id = here.id
    join holdfast.resource r on r.organization_id = m.organization_id and r.id = m.resource_id and r.retired_at is null
    group by m.pool_id
  ),
  requirements as (
    select q.service_id, jsonb_agg(jsonb_build_object(
             'role', q.role, 'quantity', q.quantity, 'offset', q.segment_start_minutes, 'length', q.segment_minutes,
             'before', q.buffer_before_minutes, 'after', q.buffer_after_minutes, 'pool', p.slug,
             'members', coalesce(m.ids, '[]'), 'requires', p.requires
           ) order by q.role) as wanted
    from here
    join holdfast.requirement q on q.organization_id = here.id
    join holdfast.pool p on p.organization_id = q.organization_id and p.id = q.pool_id
    left join members m on m.pool_id = q.pool_id
    group by q.service_id
  ),
  leads as (
    select service_id, jsonb_object_agg(surface, jsonb_build_array(notice_minutes, horizon_days)) as by_surface
    from holdfast.service_lead, here where organization_id = here.id group by service_id
  ),
  offered as (
    select service_id, jsonb_agg(location_id) as ids
    from holdfast.service_location, here where organization_id = here.id group by service_id
  )
select jsonb_build_object(
  'version', o.catalog_version, 'assign', o.assign, 'rank', o.rank, 'year', extract(year from holdfast.clock()),
  'locations', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', l.id, 'slug', l.slug, 'zone', l.time_zone, 'country', l.holiday_country, 'region', l.holiday_region
    ) order by l.slug), '[]')
    from holdfast.location l where l.organization_id = o.id and l.retired_at is null),
  'resources', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', r.id, 'slug', r.slug, 'kind', r.kind, 'visits_per_day', r.visits_per_day,
      'units', coalesce(u.ids, '[]'), 'locations', coalesce(p.ids, '[]'), 'attributes', coalesce(a.named, '{}')
    )), '[]')
    from holdfast.resource r
    left join units u on u.resource_id = r.id
    left join placed p on p.resource_id = r.id
    left join attributes a on a.resource_id = r.id
    where r.organization_id = o.id and r.retired_at is null),
  'services', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', s.id, 'slug', s.slug, 'length', s.duration_minutes, 'grid', s.grid_minutes,
      'off_grid_after_claims', s.off_grid_after_claims, 'requirements', coalesce(q.wanted, '[]'),
      'leads', coalesce(d.by_surface, '{}'), 'locations', coalesce(f.ids, '[]')
    )), '[]')
    from holdfast.service s
    left join requirements q on q.service_id = s.id
    left join leads d on d.service_id = s.id
    left join offered f on f.service_id = s.id
    where s.organization_id = o.id and s.retired_at is null),
  'weekly', (
    select coalesce(jsonb_agg(to_jsonb(w)), '[]') from holdfast.weekly_rule w where w.organization_id = o.id),
  'dated', (
    -- nothing before last year can be booked any more
    select coalesce(jsonb_agg(to_jsonb(d)), '[]') from holdfast.dated_rule d
    where d.organization_id = o.id and d.ends > holdfast.clock() - interval '400 days')
)
from here join holdfast.organization o on o.id = here.id;

-- name: claims_between
-- The active claims of these units that touch the window; holds that ran out are left out.
select unit_id, starts_at, ends_at, kind, hold_id, visit_id, visit_starts_at, expires_at
from holdfast.claims_between(%(unit_ids)s, %(from_at)s, %(to_at)s);

-- name: claims_within
-- The same over several stretches of time.
select unit_id, starts_at, ends_at, kind, hold_id, visit_id, visit_starts_at, expires_at
from holdfast.claims_within(%(unit_ids)s, %(during)s::tstzmultirange);

-- name: last_taken
-- When each resource was last given a visit, and when the first hold that counts for it runs out.
select resource_id, taken_at, changes_at from holdfast.last_taken(%(resource_ids)s);

-- name: unchanged_since
-- Whether nothing of the organization changed since the transactions of that snapshot.
select holdfast.unchanged_since(%(seen)s::pg_snapshot);
