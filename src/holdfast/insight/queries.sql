-- The doctor's questions. Each answers with what is wrong: organization, kind of thing, its id, and a sentence.
-- No row: all is well.

-- name: claims_overlap
-- I1: of one unit's claims in order of their starts, none begins before all earlier ones have ended.
select organization_id, 'unit' as kind, unit_id::text as id,
       format('claim %%s begins at %%s, before another claim on the unit has ended (%%s)', claim_id, starts_at, until) as detail
from (
  select organization_id, unit_id, id as claim_id, lower(during) as starts_at,
         max(upper(during)) over (
           partition by organization_id, unit_id order by lower(during), id rows between unbounded preceding and 1 preceding
         ) as until
  from holdfast.claim where active and not overbook
) in_order
where starts_at < until;

-- name: claims_cannot_be_guarded
-- I1: a range that is empty, endless or not [) overlaps nothing, or everything.
select organization_id, 'unit' as kind, unit_id::text as id, format('claim %%s is for %%s', id, during) as detail
from holdfast.claim where not holdfast.is_claimable(during) or not segment <@ during;

-- name: use_exceeds_capacity
-- I8: at no moment are more claims active on a resource than it has units.
select organization_id, 'resource' as kind, resource_id::text as id,
       format('%%s claims at %%s, and %%s units', used, at, capacity) as detail
from (
  select k.organization_id, u.resource_id, step.at, sum(step.change) over (
           partition by k.organization_id, u.resource_id order by step.at, step.change
         ) as used,
         (select count(*) from holdfast.unit o
          where o.organization_id = u.organization_id and o.resource_id = u.resource_id) as capacity
  from holdfast.claim k
  join holdfast.unit u on u.organization_id = k.organization_id and u.id = k.unit_id
  cross join lateral (values (lower(k.during), 1), (upper(k.during), -1)) as step(at, change)
  where k.active and not k.overbook
) in_use
where used > capacity;

-- name: holds_lack_their_claims
-- I2: a hold that blocks has exactly the claims that were written when it was placed.
select h.organization_id, 'hold' as kind, h.id::text as id,
       format('it is %%s and has %%s active claims; %%s were placed', h.state, coalesce(now.n, 0), coalesce(placed.n, 0)) as detail
from holdfast.hold h
left join (
  select organization_id, hold_id, count(*) as n,
         array_agg(row(role, lower(during), upper(during))::text order by role, lower(during), upper(during)) as claims
  from holdfast.claim where active and hold_id is not null group by 1, 2
) now on now.organization_id = h.organization_id and now.hold_id = h.id
left join (
  select e.organization_id, e.subject_id, count(*) as n,
         array_agg(row(c.role, c.starts_at, c.ends_at)::text order by c.role, c.starts_at, c.ends_at) as claims
  from holdfast.event e
  cross join lateral jsonb_to_recordset(e.data -> 'claims') as c(role text, starts_at timestamptz, ends_at timestamptz)
  where e.type = 'hold.placed' group by 1, 2
) placed on placed.organization_id = h.organization_id and placed.subject_id = h.id
where h.blocking and now.claims is distinct from placed.claims;

-- name: claims_outlive_their_holder
-- I2: a claim is active exactly as long as its hold, block or busy time blocks.
select k.organization_id, 'unit' as kind, k.unit_id::text as id,
       format('claim %%s is %%s, but its %%s %%s %%s', k.id, case when k.active then 'active' else 'inactive' end, holder.kind,
              coalesce(k.hold_id, k.block_id, k.busy_id),
              case when holder.blocking is null then 'does not exist'
                   when holder.blocking then 'still blocks' else 'has let go' end) as detail
from holdfast.claim k
left join (
  select organization_id, id, 'hold' as kind, blocking from holdfast.hold
  union all select organization_id, id, 'block', blocking from holdfast.block
  union all select organization_id, id, 'busy time', blocking from holdfast.busy
) holder on holder.organization_id = k.organization_id and holder.id = coalesce(k.hold_id, k.block_id, k.busy_id)
where holder.blocking is distinct from k.active;

-- name: appointments_lack_their_hold
-- I2: a live appointment stands on a confirmed hold for the same visit; one that let go, on a hold that did.
select a.organization_id, 'appointment' as kind, a.id::text as id,
       format('it is %%s, and its hold %%s', a.state, coalesce('is ' || h.state, 'does not exist')) as detail
from holdfast.appointment a
left join holdfast.hold h on h.organization_id = a.organization_id and h.id = a.hold_id
where h.state is distinct from (case when a.blocking then 'confirmed' else 'released' end)
   or (a.service_id, a.location_id, a.starts_at, a.ends_at) is distinct from (h.service_id, h.location_id, h.starts_at, h.ends_at);

-- name: visits_are_torn
-- I2: what a visit, or a series of them, holds ends together, and is confirmed together.
select v.organization_id, case when v.series_id is null then 'visit' else 'series' end as kind,
       coalesce(v.series_id, v.id)::text as id,
       case when count(h.id) = 0 then 'it has no hold'
            when count(distinct h.expires_at) filter (where h.state in ('live', 'expired')) > 1
              then 'its holds do not end together'
            else 'a part of it is confirmed, and a part of it still held' end as detail
from holdfast.visit v
left join holdfast.hold h on h.organization_id = v.organization_id and h.visit_id = v.id
group by v.organization_id, v.series_id, coalesce(v.series_id, v.id)
having count(h.id) = 0
  or count(distinct h.expires_at) filter (where h.state in ('live', 'expired')) > 1
  or bool_or(h.state = 'live') and bool_or(h.state = 'confirmed');

-- name: closed_without_claims
-- I2: a block that stands closes every unit that its resource had when it was placed.
select b.organization_id, 'block' as kind, b.id::text as id, 'it stands, and some of the time it closed is open' as detail
from holdfast.block b
left join (
  select organization_id, block_id, array_agg(row(lower(during), upper(during))::text order by lower(during), upper(during)) as claims
  from holdfast.claim where active and block_id is not null group by 1, 2
) now on now.organization_id = b.organization_id and now.block_id = b.id
left join (
  select e.organization_id, e.subject_id,
         array_agg(row(c.starts_at, c.ends_at)::text order by c.starts_at, c.ends_at) as claims
  from holdfast.event e
  cross join lateral jsonb_to_recordset(e.data -> 'claims') as c(starts_at timestamptz, ends_at timestamptz)
  where e.type = 'block.placed' group by 1, 2
) placed on placed.organization_id = b.organization_id and placed.subject_id = b.id
where b.blocking and now.claims is distinct from placed.claims;

-- name: overbooks_behind_nobody
-- A deliberate overbook stands behind somebody, else it is an ordinary claim, under the guard.
select k.organization_id, 'hold' as kind, k.hold_id::text as id,
       format('its overbook of unit %%s at %%s stands behind nobody and should be under the guard', k.unit_id, lower(k.during)) as detail
from holdfast.claim k
where k.active and k.overbook and not exists (
  select from holdfast.claim o
  where o.organization_id = k.organization_id and o.unit_id = k.unit_id and o.active and not o.overbook and o.during && k.during
);

-- name: busy_times_wait_for_nobody
-- An outside event lacks only time that somebody has on every unit: what has become free, it takes.
select b.organization_id, 'busy' as kind, b.id::text as id,
       format('it lacks %%s, and nobody has that on unit %%s', lacks - taken, unit_id) as detail
from (
  select b.organization_id, b.resource_id, b.id,
         tstzmultirange(tstzrange(greatest(b.starts_at, holdfast.clock()), b.ends_at)) - coalesce((
           select range_agg(k.during) from holdfast.claim k
           where k.organization_id = b.organization_id and k.busy_id = b.id and k.active), '{}') as lacks
  from holdfast.busy b where b.removed_at is null and b.ends_at > holdfast.clock()
) b
join lateral (
  select u.id as unit_id, coalesce((
    select range_agg(k.during) from holdfast.claim k
    where k.organization_id = u.organization_id and k.unit_id = u.id and k.active and not k.overbook
      and k.during && range_merge(lacks)), '{}') as taken
  from holdfast.unit u
  where u.organization_id = b.organization_id and u.resource_id = b.resource_id and u.retired_at is null
) u on not isempty(lacks) and not lacks <@ taken;

-- name: retired_but_claimed
-- Nothing is booked on a unit after it was taken out of service.
select u.organization_id, 'resource' as kind, u.resource_id::text as id,
       format('unit %%s was retired at %%s and has a claim until %%s', u.ordinal, coalesce(u.retired_at, r.retired_at), upper(k.during)) as detail
from holdfast.unit u
join holdfast.resource r on r.organization_id = u.organization_id and r.id = u.resource_id
join holdfast.claim k on k.organization_id = u.organization_id and k.unit_id = u.id
where k.active and coalesce(u.retired_at, r.retired_at) is not null and upper(k.during) > holdfast.clock();

-- name: answered_twice
-- I4: one answer per organization, actor, route and idempotency key.
select organization_id, 'request' as kind, route as id, format('%%s answers are stored for one key of %%s', count(*), actor) as detail
from holdfast.idempotency group by organization_id, actor, route, key having count(*) > 1;

-- name: confirmed_too_late
-- I12: no hold was confirmed later than its expiry and the longest grace that its surface ever had.
select h.organization_id, 'hold' as kind, h.id::text as id, format('it ran out at %%s and was confirmed at %%s', h.expires_at, e.at) as detail
from holdfast.event e
join holdfast.hold h on h.organization_id = e.organization_id and h.id = e.subject_id
where e.type = 'hold.confirmed' and e.at >= h.expires_at + make_interval(secs => coalesce((
  select max((p.data ->> 'grace_seconds')::integer) from holdfast.event p
  where p.organization_id = h.organization_id and p.type in ('hold_policy.added', 'hold_policy.changed')
    and p.data ->> 'surface' = h.surface
), 0));

-- name: crosses_organizations
-- I9: what belongs together belongs to one organization.
select k.organization_id, 'unit' as kind, k.unit_id::text as id, format('claim %%s is another organization''s', k.id) as detail
from holdfast.claim k
left join holdfast.unit u on u.id = k.unit_id
left join holdfast.hold h on h.id = k.hold_id
where u.organization_id is distinct from k.organization_id or k.hold_id is not null and h.organization_id is distinct from k.organization_id
union all
select h.organization_id, 'hold', h.id::text, 'its visit is another organization''s'
from holdfast.hold h
join holdfast.visit v on v.id = h.visit_id
where v.organization_id <> h.organization_id
union all
select a.organization_id, 'appointment', a.id::text, 'its client or its hold is another organization''s'
from holdfast.appointment a
left join holdfast.client c on c.id = a.client_id
left join holdfast.hold h on h.id = a.hold_id
where (c.organization_id, h.organization_id) is distinct from (a.organization_id, a.organization_id);

-- name: rows_are_not_kept_apart
-- I9: every table with an organization has row-level security, forced, with the application's policy on that column,
-- and no other: of several permissive policies one that says yes is enough.
select null::uuid as organization_id, 'table' as kind, c.relname::text as id,
       case when not c.relrowsecurity then 'row-level security is off'
            when not c.relforcerowsecurity then 'row-level security is not forced'
            else 'the policy own_organization is missing, not alone, or does not compare the organization' end as detail
from pg_class c
join pg_attribute a on a.attrelid = c.oid
  and a.attname = case when c.relname = 'organization' then 'id' else 'organization_id' end
where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p')
  and not (c.relrowsecurity and c.relforcerowsecurity and exists (
    select from pg_policy p
    where p.polrelid = c.oid and p.polname = 'own_organization' and p.polcmd = 'r'
      and pg_get_expr(p.polqual, p.polrelid) = format('(%%s = holdfast.current_organization())', a.attname)
  ) and not exists (
    select from pg_policy p
    where p.polrelid = c.oid and p.polname <> 'own_organization' and p.polpermissive and p.polroles <> array[c.relowner]
  ));

-- name: ways_round_the_commands
-- R20: the application's role writes nothing but through commands, and a command cannot be led astray by a search_path.
select null::uuid as organization_id, 'table' as kind, c.relname::text as id, format('%%s may write to it', r.name) as detail
from pg_class c
cross join (values ('holdfast_app'), ('holdfast_worker'), ('public')) r (name)
where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p', 'v')
  and (has_table_privilege(r.name, c.oid, 'insert, update, delete, truncate, trigger')
       or has_any_column_privilege(r.name, c.oid, 'insert, update'))
union all
select null, 'table', c.relname::text, format('%%s may read it, across organizations', r.name)
from pg_class c
cross join (values ('holdfast_worker'), ('public')) r (name)
where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p', 'v')
  and has_any_column_privilege(r.name, c.oid, 'select')
union all
select null, 'function', p.proname::text, format('%%s may call it, and it is no command', r.name)
from pg_proc p
cross join (values ('holdfast_app'), ('holdfast_worker'), ('public')) r (name)
where p.pronamespace = 'holdfast'::regnamespace and not p.prosecdef
  and has_function_privilege(r.name, p.oid, 'execute')
  and p.proname not in ('act_as', 'clock', 'current_organization', 'current_actor', 'current_surface',
                        'opted_out', 'waitlist_policy_revision', 'relay_lag', 'event_epoch', 'can_be_told', 'offer_channels')
union all
select null, 'function', p.proname::text, 'it runs with the owner''s rights and without a fixed search_path'
from pg_proc p
where p.pronamespace = 'holdfast'::regnamespace and p.prosecdef
  and not coalesce(p.proconfig @> array['search_path=holdfast, pg_temp'], false);

-- name: rules_are_switched_off
-- The constraints that carry the record are there, validated, and their triggers fire.
select null::uuid as organization_id, 'constraint' as kind, wanted.name as id,
       case when c.oid is null then 'it is missing' when not c.convalidated then 'it is not validated'
            else 'its triggers are switched off' end as detail
from unnest(%(constraints)s::text[]) as wanted(name)
left join pg_constraint c on c.conname = wanted.name and c.connamespace = 'holdfast'::regnamespace
where c.oid is null or not c.convalidated
   or exists (select from pg_trigger t where t.tgconstraint = c.oid and t.tgenabled not in ('O', 'A'))
union all
select null, 'table', t.tgrelid::regclass::text, 'its changes are not recorded: the trigger record_change is switched off'
from pg_trigger t where t.tgname = 'record_change' and t.tgenabled not in ('O', 'A');

-- name: rule_definitions
-- What these constraints say, as PostgreSQL words it.
select c.conname::text as name, pg_get_constraintdef(c.oid) as definition
from pg_constraint c
where c.connamespace = 'holdfast'::regnamespace and c.conname = any (%(constraints)s::text[])
order by c.conname;

-- name: coming_appointments
-- Appointments still to come, with the wall time that the client was told.
select a.organization_id, a.id, a.starts_at, a.local_start, a.time_zone, l.time_zone as location_time_zone
from holdfast.appointment a
join holdfast.location l on l.organization_id = a.organization_id and l.id = a.location_id
where a.blocking and a.starts_at > holdfast.clock();

-- name: organizations
-- Whose log can be replayed.
select id, slug::text as slug, (select count(*) from holdfast.event e where e.organization_id = o.id) as events
from holdfast.organization o order by slug;

-- name: event_organizations_unknown
-- I9: the log tells of no organization that does not exist.
select distinct e.organization_id, 'event' as kind, min(e.id)::text as id, 'its organization does not exist' as detail
from holdfast.event e
where not exists (select from holdfast.organization o where o.id = e.organization_id)
group by e.organization_id;

-- name: log
-- One organization's events in order.
select id, transaction_id::text || '.' || id as position, at, type, version, subject_id, actor, surface, data
from holdfast.event where organization_id = %(organization_id)s order by id;

-- name: replayed_holds
-- The holds as the replay tells them.
select id, state, service_id, location_id, starts_at, ends_at, expires_at, extensions, surface::text as surface, actor,
       overbook_reason is not null as overbook, visit_id
from holdfast.hold where organization_id = %(organization_id)s;

-- name: replayed_visits
-- The visits of several appointments as the replay tells them.
select id, location_id, max_wait_minutes, same_provider, surface::text as surface, series_id, number
from holdfast.visit where organization_id = %(organization_id)s;

-- name: replayed_series
-- The series as the replay tells them.
select id, location_id, days_min, days_max, surface::text as surface
from holdfast.series where organization_id = %(organization_id)s;

-- name: replayed_appointments
-- The appointments as the replay tells them.
select id, state, revision, hold_id, client_id, service_id, location_id, starts_at, ends_at, price_cents,
       surface::text as surface
from holdfast.appointment where organization_id = %(organization_id)s;

-- name: replayed_blocks
-- The blocks as the replay tells them.
select id, resource_id, starts_at, ends_at, removed_at is not null as removed
from holdfast.block where organization_id = %(organization_id)s;

-- name: replayed_busies
-- The busy times as the replay tells them.
select id, resource_id, source, starts_at, ends_at, removed_at is not null as removed
from holdfast.busy where organization_id = %(organization_id)s;

-- name: replayed_claims
-- The claims as the replay tells them.
select coalesce(hold_id, block_id, busy_id) as holder_id, unit_id, lower(during) as starts_at, upper(during) as ends_at,
       lower(segment) as segment_starts_at, upper(segment) as segment_ends_at, role, active, overbook
from holdfast.claim where organization_id = %(organization_id)s;
