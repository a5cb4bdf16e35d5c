-- Strangers join the waitlist from the booking page: who asked, as keyed hashes, so that nobody fills the line.

alter table holdfast.waitlist_entry add column visitor bytea, add column network bytea;
create index waitlist_entry_network on holdfast.waitlist_entry (organization_id, network, joined_at) where network is not null;

-- It takes more now.
drop function if exists holdfast.join_waitlist(jsonb, jsonb, uuid);
