-- The catalog, read by id or slug and page by page in order of slug, and its commands (db/functions).

-- name: organization
-- The caller's organization.
select id, slug, name, currency from holdfast.organization where id = holdfast.current_organization();

-- name: found_organization
-- A new organization, and from here on the transaction acts for it.
select holdfast.act_as(holdfast.create_organization(%(slug)s, %(name)s, %(currency)s), %(actor)s, %(surface)s);

-- name: set_organization
-- Its name and currency; bookings keep the price they were made at.
select holdfast.set_organization(%(name)s, %(currency)s);

-- name: hold_policies
-- What a hold may be on each surface.
select surface, ttl_seconds, ttl_seconds_max, extensions_max, grace_seconds, live_holds_per_visitor_max,
       live_holds_per_network_max, live_holds_per_actor_max, bookings_per_visitor_and_day_max,
       bookings_per_network_and_day_max
from holdfast.hold_policy
where organization_id = holdfast.current_organization()
order by surface;

-- name: set_hold_policy
-- Change some of one surface's limits.
select surface, ttl_seconds, ttl_seconds_max, extensions_max, grace_seconds, live_holds_per_visitor_max,
       live_holds_per_network_max, live_holds_per_actor_max, bookings_per_visitor_and_day_max,
       bookings_per_network_and_day_max
from holdfast.set_hold_policy(%(surface)s, %(changes)s);

-- name: locations
-- Locations in order of slug: a page, or one by id or slug (retired or not).
select id, slug, name, time_zone, address, retired_at
from holdfast.location
where organization_id = holdfast.current_organization()
  and (%(id)s::uuid is null or id = %(id)s)
  and (%(slug)s::text is null or slug = %(slug)s)
  and (retired_at is null or %(retired)s)
  and (%(after)s::text is null or slug > %(after)s)
order by slug
limit %(limit)s;

-- name: put_location
-- Add the location, or change the one with this slug; its id.
select holdfast.put_location(%(slug)s, %(name)s, %(time_zone)s, %(address)s);

-- name: retire_location
-- Nothing new is booked there.
select holdfast.retire_location(%(location_id)s);

-- name: resources
-- Resources in order of slug, with the units in service: a page, or one by id or slug (retired or not).
select r.id, r.slug, r.name, r.kind,
       array(select l.location_id from holdfast.resource_location l
             where l.organization_id = r.organization_id and l.resource_id = r.id order by l.location_id) as location_ids,
       array(select u.id from holdfast.unit u
             where u.organization_id = r.organization_id and u.resource_id = r.id and u.retired_at is null
             order by u.ordinal) as unit_ids,
       r.retired_at, r.merged_into_id
from holdfast.resource r
where r.organization_id = holdfast.current_organization()
  and (%(id)s::uuid is null or r.id = %(id)s)
  and (%(slug)s::text is null or r.slug = %(slug)s)
  and (r.retired_at is null or %(retired)s)
  and (%(kind)s::text is null or r.kind = %(kind)s)
  and (%(location_id)s::uuid is null or exists (
    select from holdfast.resource_location l
    where l.organization_id = r.organization_id and l.resource_id = r.id and l.location_id = %(location_id)s))
  and (%(after)s::text is null or r.slug > %(after)s)
order by r.slug
limit %(limit)s;

-- name: put_resource
-- Add the resource, or change the one with this slug; its id.
select holdfast.put_resource(%(slug)s, %(name)s, %(kind)s, %(location_ids)s, %(capacity)s);

-- name: set_capacity
-- So many units; bookings that find no place on those that stay are listed instead.
select holdfast.set_capacity(%(resource_id)s, %(capacity)s);

-- name: retire_resource
-- Out of service; its future bookings are listed instead.
select from holdfast.retire_resource(%(resource_id)s);

-- name: merge_resources
-- Two records are one thing; bookings that would overlap are listed instead.
select from holdfast.merge_resources(%(from_id)s, %(into_id)s);

-- name: resource_time_zone
-- The one time zone of a resource's locations, if they have one.
select min(l.time_zone)
from holdfast.resource_location r
join holdfast.location l on l.organization_id = r.organization_id and l.id = r.location_id
where r.organization_id = holdfast.current_organization() and r.resource_id = %(id)s
having count(distinct l.time_zone) = 1;

-- name: pools
-- Pools in order of slug, with their members in service by preference: a page, or one by id or slug.
select p.id, p.slug, p.name, (
         select coalesce(jsonb_agg(jsonb_build_object('resource_id', m.resource_id, 'preference', m.preference)
                                   order by m.preference, r.slug), '[]')
         from holdfast.pool_member m
         join holdfast.resource r
           on r.organization_id = m.organization_id and r.id = m.resource_id and r.retired_at is null
         where m.organization_id = p.organization_id and m.pool_id = p.id) as members
from holdfast.pool p
where p.organization_id = holdfast.current_organization()
  and (%(id)s::uuid is null or p.id = %(id)s)
  and (%(slug)s::text is null or p.slug = %(slug)s)
  and (%(after)s::text is null or p.slug > %(after)s)
order by p.slug
limit %(limit)s;

-- name: pools_of_retired_services
-- The pools that only services no longer sold require: kept for their history, and nobody's concern.
select q.pool_id as id
from holdfast.requirement q
join holdfast.service s on s.organization_id = q.organization_id and s.id = q.service_id
where q.organization_id = holdfast.current_organization()
group by q.pool_id
having bool_and(s.retired_at is not null);

-- name: put_pool
-- Add the pool, or give the one with this slug these members and no others; its id.
select holdfast.put_pool(%(slug)s, %(name)s, %(members)s);

-- name: remove_pool
-- Remove a pool that no service requires.
select holdfast.remove_pool(%(pool_id)s);

-- name: services
-- Services in order of slug, with their requirements by time: a page, or one by id or slug (retired or not).
select s.id, s.slug, s.name, s.category, s.duration_minutes, s.price_cents,
       array(select l.location_id from holdfast.service_location l
             where l.organization_id = s.organization_id and l.service_id = s.id order by l.location_id) as location_ids,
       (select coalesce(jsonb_agg(to_jsonb(q) - '{organization_id,id,service_id}'::text[]
                                  order by q.segment_start_minutes, q.role), '[]')
        from holdfast.requirement q
        where q.organization_id = s.organization_id and q.service_id = s.id) as requirements,
       s.retired_at
from holdfast.service s
where s.organization_id = holdfast.current_organization()
  and (%(id)s::uuid is null or s.id = %(id)s)
  and (%(slug)s::text is null or s.slug = %(slug)s)
  and (s.retired_at is null or %(retired)s)
  and (%(location_id)s::uuid is null or exists (
    select from holdfast.service_location l
    where l.organization_id = s.organization_id and l.service_id = s.id and l.location_id = %(location_id)s))
  and (%(after)s::text is null or s.slug > %(after)s)
order by s.slug
limit %(limit)s;

-- name: put_service
-- Add the service, or change the one with this slug; its id. Bookings keep the claims they were made with.
select holdfast.put_service(%(slug)s, %(name)s, %(category)s, %(duration_minutes)s, %(price_cents)s, %(location_ids)s,
                            %(requirements)s);

-- name: retire_service
-- No longer sold; what is booked stays.
select holdfast.retire_service(%(service_id)s);

-- name: rules
-- Everything that is said about time, by ids, as one document.
select jsonb_build_object(
  'assign', o.assign, 'rank', o.rank,
  'holidays', (
    select coalesce(jsonb_object_agg(l.id, concat_ws('-', l.holiday_country, l.holiday_region)), '{}')
    from holdfast.location l where l.organization_id = o.id and l.holiday_country is not null),
  'visits_per_day', (
    select coalesce(jsonb_object_agg(r.id, r.visits_per_day), '{}')
    from holdfast.resource r where r.organization_id = o.id and r.visits_per_day is not null),
  'has', (
    select coalesce(jsonb_object_agg(a.resource_id, a.named), '{}')
    from (
      select resource_id, jsonb_object_agg(name, good_until) as named
      from holdfast.resource_attribute where organization_id = o.id group by resource_id
    ) a),
  'requires', (
    select coalesce(jsonb_object_agg(p.id, p.requires), '{}') from holdfast.pool p where p.organization_id = o.id),
  'grids', (
    select coalesce(jsonb_object_agg(s.id, jsonb_build_array(s.grid_minutes, s.off_grid_after_claims)), '{}')
    from holdfast.service s where s.organization_id = o.id),
  'leads', (
    select coalesce(jsonb_object_agg(d.service_id, d.by_surface), '{}')
    from (
      select service_id, jsonb_object_agg(surface, jsonb_build_array(notice_minutes, horizon_days)) as by_surface
      from holdfast.service_lead where organization_id = o.id group by service_id
    ) d),
  'weekly', (select coalesce(jsonb_agg(to_jsonb(w)), '[]') from holdfast.weekly_rule w where w.organization_id = o.id),
  'dated', (select coalesce(jsonb_agg(to_jsonb(d)), '[]') from holdfast.dated_rule d where d.organization_id = o.id)
)
from holdfast.organization o where o.id = holdfast.current_organization();

-- name: set_organization_policy
-- Who is chosen among the free, and which slot is shown first.
select holdfast.set_organization_policy(%(assign)s, %(rank)s);

-- name: set_location_holidays
-- Public holidays are closures.
select holdfast.set_location_holidays(%(location_id)s, %(country)s, %(region)s);

-- name: set_weekly_rules
-- Exactly these hours and breaks.
select holdfast.set_weekly_rules(%(location_id)s, %(resource_id)s, %(rules)s);

-- name: set_dated_rules
-- Exactly these closures, extra hours and times off.
select holdfast.set_dated_rules(%(location_id)s, %(resource_id)s, %(rules)s);

-- name: set_resource_rules
-- The cap of visits a day, and what the resource has.
select holdfast.set_resource_rules(%(resource_id)s, %(visits_per_day)s, %(attributes)s);

-- name: set_pool_requires
-- What a resource must have for this pool to lend it.
select holdfast.set_pool_requires(%(pool_id)s, %(requires)s);

-- name: set_service_rules
-- The grid, and notice and horizon by surface.
select holdfast.set_service_rules(%(service_id)s, %(grid_minutes)s, %(off_grid_after_claims)s, %(leads)s);

-- name: booking_page
-- How the booking page looks and what it allows; the defaults where nothing was chosen.
select o.id as organization_id, o.slug, o.name, o.currency, coalesce(b.accent, '#0f766e') as accent, b.logo, b.logo_type,
       coalesce(b.embed_origins, '{*}') as embed_origins,
       coalesce(b.change_notice_minutes, 1440) as change_notice_minutes, coalesce(b.policy, '') as policy
from holdfast.organization o
left join holdfast.booking_page b on b.organization_id = o.id
where o.id = holdfast.current_organization();

-- name: set_booking_page
-- Choose how the booking page looks and what it allows.
select holdfast.set_booking_page(%(accent)s, %(logo)s, %(logo_type)s, %(embed_origins)s, %(change_notice_minutes)s,
                                 %(policy)s);
