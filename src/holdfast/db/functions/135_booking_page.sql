-- The public booking page: its look, a hold that its visitor leaves and comes back to, and the private link to a visit.

create or replace function holdfast.set_booking_page(
  p_accent text, p_logo bytea, p_logo_type text, p_embed_origins text[], p_change_notice_minutes integer, p_policy_text text
) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
begin
  insert into booking_page as b (organization_id, accent, logo, logo_type, embed_origins, change_notice_minutes, policy)
  values (current_organization(), p_accent, p_logo, p_logo_type, p_embed_origins, p_change_notice_minutes, p_policy_text)
  on conflict on constraint booking_page_pkey do update set
    accent = p_accent, logo = p_logo, logo_type = p_logo_type, embed_origins = p_embed_origins,
    change_notice_minutes = p_change_notice_minutes, policy = p_policy_text;
  perform record_event('booking_page.changed', current_organization(), '{}');
end $$;

create or replace function holdfast.end_soon(p_hold_id uuid, p_expires_at timestamptz) returns void
language plpgsql
as $$
begin
  update hold set expires_at = p_expires_at where organization_id = current_organization() and id = p_hold_id;
  perform record_event('hold.left', p_hold_id, jsonb_build_object('expires_at', p_expires_at));
end $$;

-- The visitor closed the page, or is reloading it: which of the two, no browser says. The hold lasts a few more seconds, in
-- which they can come back; with the rest of its visit, if it is part of one.
create or replace function holdfast.leave_hold(p_hold_id uuid, p_seconds integer) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_hold hold;
  v_expires_at timestamptz;
begin
  select * into v_hold from hold where organization_id = current_organization() and id = p_hold_id;
  if v_hold.visit_id is not null then
    perform leave_visit(v_hold.visit_id, p_seconds);
    return;
  end if;
  select * into v_hold from hold where organization_id = current_organization() and id = p_hold_id for update;
  v_expires_at := clock() + make_interval(secs => p_seconds);
  if v_hold.state = 'live' and v_hold.expires_at > v_expires_at then
    perform end_soon(p_hold_id, v_expires_at);
  end if;
end $$;

-- The end of the term that a hold has when nobody leaves it, which no coming and going can make later.
create or replace function holdfast.full_term(p_hold holdfast.hold) returns timestamptz
language sql stable
as $$
  select p_hold.created_at + make_interval(
    secs => least(p.ttl_seconds * (1 + p_hold.extensions), p.ttl_seconds_max))
  from hold_policy p where p.organization_id = current_organization() and p.surface = p_hold.surface;
$$;

create or replace function holdfast.have_full_term(p_hold holdfast.hold) returns void
language plpgsql
as $$
begin
  if full_term(p_hold) > p_hold.expires_at then
    update hold set expires_at = full_term(p_hold) where organization_id = current_organization() and id = p_hold.id;
    perform record_event('hold.returned_to', p_hold.id, jsonb_build_object('expires_at', full_term(p_hold)));
  end if;
end $$;

-- They are back in time: the hold has its term again.
create or replace function holdfast.return_to_hold(p_hold_id uuid) returns setof holdfast.hold_detail
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_hold hold := lock_live_hold(p_hold_id, false);
begin
  perform have_full_term(v_hold);
  return query select * from hold_detail where organization_id = v_hold.organization_id and id = v_hold.id;
end $$;

-- The links of a visit that are good now have this number; whoever derives a link's token from a secret puts it in.
create or replace function holdfast.visit_link_generation(p_appointment_id uuid) returns integer
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select coalesce(max(generation), 1) from visit_link
  where organization_id = current_organization() and appointment_id = p_appointment_id;
$$;

-- A private link to a visit, good until a month after it. Issuing the same one again changes nothing, but for when it ends
-- if the visit was moved; one that was ended stays so.
create or replace function holdfast.issue_visit_link(p_appointment_id uuid, p_token_hash bytea) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_appointment appointment;
  v_expires_at timestamptz;
begin
  select * into v_appointment from appointment where organization_id = current_organization() and id = p_appointment_id;
  if v_appointment.id is null then
    perform refuse('appointment_exists');
  end if;
  -- who asks for a link after that month has one for a month
  v_expires_at := greatest(v_appointment.ends_at, clock()) + interval '30 days';
  update visit_link set expires_at = v_expires_at
  where organization_id = v_appointment.organization_id and appointment_id = p_appointment_id and token_hash = p_token_hash;
  if not found then
    insert into visit_link (organization_id, appointment_id, token_hash, expires_at, generation)
    values (v_appointment.organization_id, p_appointment_id, p_token_hash, v_expires_at,
            visit_link_generation(p_appointment_id))
    on conflict on constraint visit_link_token_is_unique do nothing;
    perform record_event('appointment.link_issued', p_appointment_id, '{}');
  end if;
end $$;

-- A new link in place of all that were issued before, which are good no more.
create or replace function holdfast.replace_visit_link(p_appointment_id uuid, p_token_hash bytea) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_generation integer;
begin
  perform from appointment where organization_id = current_organization() and id = p_appointment_id for update;
  v_generation := visit_link_generation(p_appointment_id) + 1;
  update visit_link set ended_at = clock()
  where organization_id = current_organization() and appointment_id = p_appointment_id and ended_at is null;
  perform issue_visit_link(p_appointment_id, p_token_hash);
  update visit_link set generation = v_generation
  where organization_id = current_organization() and appointment_id = p_appointment_id and token_hash = p_token_hash;
end $$;

-- The client is owed a message with a link to the visit; to whom and by which way is for the sender to see. Asked for again
-- soon, or too often in a day, nothing happens: a link that was lost must not become a way to flood somebody.
create or replace function holdfast.ask_for_visit_link(p_appointment_id uuid) returns void
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_appointment appointment;
begin
  select * into v_appointment from appointment
  where organization_id = current_organization() and id = p_appointment_id for update;
  if v_appointment.id is null then
    perform refuse('appointment_exists');
  end if;
  if exists (
    select from message m
    where m.organization_id = v_appointment.organization_id and m.appointment_id = v_appointment.id and m.kind = 'link'
      and m.created_at > clock() - interval '1 day'
    having count(*) >= 3 or max(m.created_at) > clock() - interval '10 minutes'
  ) then
    return;
  end if;
  insert into message (organization_id, appointment_id, client_id, kind, occasion, due_at, next_attempt_at, created_at)
  values (v_appointment.organization_id, v_appointment.id, v_appointment.client_id, 'link',
          floor(extract(epoch from clock()) * 1000), clock(), clock(), clock())
  on conflict on constraint message_is_owed_once do nothing;
end $$;

-- Before anybody is known to be asking: which visit is this link to? No row for one that is unknown, ended or expired; a visit
-- that was moved takes its links with it.
create or replace function holdfast.visit_of_link(p_token_hash bytea)
returns table (organization_id uuid, organization_slug text, appointment_id uuid)
language sql volatile security definer
set search_path = holdfast, pg_temp
as $$
  select l.organization_id, o.slug::text, l.appointment_id
  from visit_link l
  join organization o on o.id = l.organization_id
  join appointment a on a.organization_id = l.organization_id and a.id = l.appointment_id
  where l.token_hash = p_token_hash and l.ended_at is null
    and greatest(l.expires_at, a.ends_at + interval '30 days') > clock();
$$;

-- The same of a link that may be good no more: it opens nothing, but may be asked for anew.
create or replace function holdfast.visit_of_any_link(p_token_hash bytea)
returns table (organization_id uuid, organization_slug text, appointment_id uuid)
language sql stable security definer
set search_path = holdfast, pg_temp
as $$
  select l.organization_id, o.slug::text, l.appointment_id
  from visit_link l
  join organization o on o.id = l.organization_id
  where l.token_hash = p_token_hash;
$$;
