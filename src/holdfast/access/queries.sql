-- name: organization_by_slug
-- The id of the organization with this slug, or null. Visible to whoever operates the installation, not to a caller.
select holdfast.organization_by_slug(%(slug)s);

-- name: organization_ids
-- Every organization of this installation, oldest first.
select id from holdfast.organization_ids() as id;

-- name: create_organization
-- A new organization with the standard hold policies; its id.
select holdfast.create_organization(%(slug)s, %(name)s, %(currency)s);

-- name: authenticate
-- What the key with this hash may do; no row for a key that is unknown or revoked.
select organization_id, api_key_id, scopes, surfaces from holdfast.authenticate(%(key_hash)s);

-- name: create_api_key
-- Store a new key's hash; the key's id.
select holdfast.create_api_key(%(name)s, %(key_hash)s, %(key_hint)s, %(scopes)s, %(surfaces)s);

-- name: list_api_keys
-- The organization's keys, newest first, revoked ones last. Never the key or its hash.
select id, name, key_hint, scopes, surfaces, created_at, last_used_on, revoked_at
from holdfast.api_key
where organization_id = holdfast.current_organization()
order by revoked_at is not null, created_at desc, id;

-- name: revoke_api_key
-- From now on the key opens nothing. Revoking twice is no error.
select holdfast.revoke_api_key(%(api_key_id)s);
