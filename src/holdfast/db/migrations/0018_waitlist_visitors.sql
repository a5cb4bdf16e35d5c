-- Strangers join the waitlist from the booking page: who asked, as keyed hashes, so that nobody fills the line.

alter table holdfast.waitlist_entry add column visitor bytea, add column network bytea;
create index waitlist_entry_network on holdfast.waitlist_entry (organization_id, network, joined_at) where network is not null;

-- They take more now.
drop function if exists holdfast.join_waitlist(jsonb, jsonb, uuid);
drop function if exists holdfast.set_waitlist_policy(uuid, jsonb);

-- Planned and settled by the page instead of one by one.
drop function if exists holdfast.plan_messages(uuid, jsonb);
drop function if exists holdfast.settle_message(uuid, text, text, text, text, text, text, double precision);
