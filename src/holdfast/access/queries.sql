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
select organization_id, api_key_id, scopes, surfaces, used_today from holdfast.authenticate(%(key_hash)s);

-- name: note_key_use
-- The key is used today.
select holdfast.note_key_use(%(key_hash)s);

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

-- name: create_staff
-- Add somebody to the staff; their id.
select holdfast.create_staff(%(email)s, %(name)s, %(role)s, %(resource_id)s);

-- name: create_first_owner
-- Add the owner of an organization that has nobody yet; their id.
select holdfast.create_first_owner(%(email)s, %(name)s);

-- name: has_staff
-- Whether anybody is, or was, on the staff.
select holdfast.has_staff();

-- name: change_staff
-- Another name, role or provider.
select holdfast.change_staff(%(staff_id)s, %(name)s, %(role)s, %(resource_id)s);

-- name: retire_staff
-- They sign in no more; doing so twice is no error.
select holdfast.retire_staff(%(staff_id)s);

-- name: list_staff
-- The staff by name, those who left last, and at how many places each is signed in.
select s.id, s.email, s.name, s.role, s.resource_id, s.created_at, s.retired_at,
       (select count(*) from holdfast.staff_session t
        where t.organization_id = s.organization_id and t.staff_id = s.id and t.complete and t.ended_at is null
          and t.expires_at > holdfast.clock() and t.seen_at > holdfast.clock() - interval '15 minutes') as signed_in,
       holdfast.has_password(s.id) as has_password,
       holdfast.has_second_factor(s.id) as has_second_factor,
       s.language
from holdfast.staff s
where s.organization_id = holdfast.current_organization()
order by s.retired_at is not null, s.name, s.id;

-- name: set_staff_password
-- A new password's hash; every session ends.
select holdfast.set_staff_password(%(staff_id)s, %(password_hash)s);

-- name: issue_staff_link
-- Store the hash of an invitation's or a reset's token; when it expires.
select holdfast.issue_staff_link(%(staff_id)s, %(purpose)s, %(token_hash)s, %(ttl_seconds)s);

-- name: staff_of_link
-- Whose link this is; no row for one that is unknown, used or expired.
select organization_id, staff_id, purpose, name, email from holdfast.staff_of_link(%(token_hash)s);

-- name: set_password_by_link
-- Spend the link and set the password.
select holdfast.set_password_by_link(%(token_hash)s, %(password_hash)s);

-- name: staff_to_sign_in
-- What a sign-in is checked against.
select id, password_hash, totp_secret from holdfast.staff_to_sign_in(%(email)s);

-- name: admit_sign_in
-- Seconds to wait, or 0 and the try is counted.
select holdfast.admit_sign_in(%(account)s, %(network)s);

-- name: start_staff_session
-- Signed in with this token's hash.
select holdfast.start_staff_session(%(staff_id)s, %(token_hash)s, %(complete)s, %(account)s, %(network)s);

-- name: spend_totp_step
-- True the first time that a time step's code is used.
select holdfast.spend_totp_step(%(staff_id)s, %(step)s);

-- name: set_staff_totp
-- Set the sealed secret of the second factor, or take it away.
select holdfast.set_staff_totp(%(staff_id)s, %(secret)s, %(step)s);

-- name: set_recovery_codes
-- These codes, as keyed hashes, instead of any before them.
select holdfast.set_recovery_codes(%(staff_id)s, %(code_hashes)s);

-- name: spend_recovery_code
-- True the first time that a recovery code is used.
select holdfast.spend_recovery_code(%(staff_id)s, %(code_hash)s);

-- name: recovery_codes_left
-- How many recovery codes somebody has left.
select holdfast.recovery_codes_left(%(staff_id)s);

-- name: authenticate_session
-- Whose session has this token's hash, if it is alive; used now, or only looked at.
select organization_id, organization_slug, session_id, staff_id, name, email, role, resource_id, complete, has_totp,
       seconds_left, seconds_most, language, time_zone
from holdfast.authenticate_session(%(token_hash)s, %(used)s, %(location)s);

-- name: set_staff_language
-- In which language somebody reads pages.
select holdfast.set_staff_language(%(staff_id)s, %(language)s);

-- name: end_staff_session
-- Sign out here.
select holdfast.end_staff_session(%(session_id)s);

-- name: end_staff_sessions
-- Sign out everywhere.
select holdfast.end_staff_sessions(%(staff_id)s);
