-- When a visitor is asked for a proof of work before they may hold.

-- How far this visitor and their network are beyond what people do: 0 is not at all, 5 is most. It rises from half of a
-- quota of live holds, and from half of the holds that somebody (6 in ten minutes), or a network (as many as its quota),
-- may take and let go without a reason. `last_hold_id` is what the visitor held last within the same minutes: a proof
-- that is made for it has been used as soon as there is a later one. The lock makes that exact for two requests at once;
-- it is not that of the quota, which is taken after it.
create or replace function holdfast.suspicion(p_visitor bytea, p_network bytea)
returns table (level integer, last_hold_id uuid)
language plpgsql security definer
set search_path = holdfast, pg_temp
as $$
declare
  v_policy hold_policy := current_policy();
  v_visitor_live numeric;
  v_network_live numeric;
begin
  perform pg_advisory_xact_lock(hashtextextended(
    current_organization()::text || 'proof' || coalesce(encode(p_visitor, 'hex'), ''), 0));
  select count(distinct coalesce(h.visit_id, h.id)) filter (where h.visitor = p_visitor),
         count(distinct coalesce(h.visit_id, h.id))
  into v_visitor_live, v_network_live
  from hold h
  where h.organization_id = current_organization() and h.state = 'live' and h.network = p_network and h.expires_at > clock();
  return query
  with recent as (
    select h.id, coalesce(h.visit_id, h.id) as kept, h.visitor, h.created_at,
           h.state in ('released', 'expired') or h.state = 'live' and h.expires_at <= clock() as ended
    from hold h
    where h.organization_id = current_organization() and h.network = p_network and h.created_at > clock() - interval '10 minutes'
  ), used as (
    select greatest(
      v_visitor_live / v_policy.live_holds_per_visitor_max,
      v_network_live / v_policy.live_holds_per_network_max,
      count(distinct kept) filter (where ended and visitor = p_visitor) / 12.0,
      count(distinct kept) filter (where ended) / (2.0 * v_policy.live_holds_per_network_max)) as share
    from recent
  )
  select least(5, greatest(0, ceil(6 * (used.share - 0.5))))::integer,
         (select r.id from recent r where r.visitor = p_visitor order by r.created_at desc, r.id desc limit 1)
  from used;
end $$;
