-- Organizations, the keys that act for them, what a surface may hold, and the answers already given.

create table holdfast.organization (
  id uuid not null default holdfast.new_id(),
  slug holdfast.slug not null,
  name holdfast.label not null,
  currency text not null default 'USD',
  created_at timestamptz not null default holdfast.clock(),
  constraint organization_pkey primary key (id),
  constraint organization_slug_is_unique unique (slug),
  constraint organization_currency_is_iso check (currency ~ '^[A-Z]{3}$')
);

-- Only the hash of a key is kept. A key has 256 random bits, so a plain SHA-256 cannot be searched.
create table holdfast.api_key (
  organization_id uuid not null references holdfast.organization (id),
  id uuid not null default holdfast.new_id(),
  name holdfast.label not null,
  key_hash bytea not null,
  key_hint text not null,
  scopes text[] not null,
  surfaces text[] not null,
  created_at timestamptz not null default holdfast.clock(),
  last_used_on date,
  revoked_at timestamptz,
  constraint api_key_pkey primary key (organization_id, id),
  constraint api_key_hash_is_unique unique (key_hash),
  constraint api_key_hash_is_sha256 check (length(key_hash) = 32),
  constraint api_key_scopes_are_known check (
    scopes <@ array['read', 'book', 'manage', 'overbook'] and cardinality(scopes) > 0
  ),
  constraint api_key_surfaces_are_known check (
    surfaces <@ array['desk', 'phone', 'walk_in', 'widget', 'calendar', 'platform', 'assistant', 'api', 'import']
    and cardinality(surfaces) > 0
  )
);

-- What a hold may be on each surface. A null limit means no limit.
create table holdfast.hold_policy (
  organization_id uuid not null references holdfast.organization (id),
  surface holdfast.surface not null,
  ttl_seconds integer not null default 300,
  ttl_seconds_max integer not null default 900,
  extensions_max integer not null default 1,
  grace_seconds integer not null default 60,
  live_holds_per_visitor_max integer,
  live_holds_per_network_max integer,
  live_holds_per_actor_max integer,
  constraint hold_policy_pkey primary key (organization_id, surface),
  constraint hold_policy_ttl_is_bounded check (
    ttl_seconds between 1 and ttl_seconds_max and ttl_seconds_max <= 86400
  ),
  constraint hold_policy_extensions_are_bounded check (extensions_max between 0 and 20),
  constraint hold_policy_grace_is_bounded check (grace_seconds between 0 and 3600),
  constraint hold_policy_limits_are_positive check (
    live_holds_per_visitor_max > 0 and live_holds_per_network_max > 0 and live_holds_per_actor_max > 0
  )
);

-- I4: one effect per (organization, actor, route, key). Written in the transaction that has the effect.
create table holdfast.idempotency (
  organization_id uuid not null references holdfast.organization (id),
  actor text not null,
  route text not null,
  key text not null,
  request_hash bytea not null,
  status integer not null,
  headers jsonb not null,
  body bytea not null,
  created_at timestamptz not null default holdfast.clock(),
  constraint idempotency_pkey primary key (organization_id, actor, route, key),
  constraint idempotency_key_is_short check (length(key) between 1 and 255)
);

-- The sweeper forgets answers that are older than the published time.
create index idempotency_created_at on holdfast.idempotency (created_at);
