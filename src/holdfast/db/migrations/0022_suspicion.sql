-- Who took holds in the last minutes, by network: whether more is asked of a visitor is decided by it (136_suspicion.sql).
create index hold_recent_by_network on holdfast.hold (organization_id, network, created_at) where network is not null;
