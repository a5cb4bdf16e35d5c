-- The people who book.

-- name: find
-- The clients that what was typed fits, best first.
select id, name, email, phone, language, revision, created_at, near_at
from holdfast.find_clients(%(text)s, %(limit)s);

-- name: clients
-- A page of clients, newest first, or one of them.
select c.id, c.name::text as name, c.email, c.phone, c.language, c.revision, c.created_at,
       (select max(a.starts_at) from holdfast.appointment a
        where a.organization_id = c.organization_id and a.client_id = c.id and a.state <> 'cancelled') as near_at
from holdfast.client c
where c.organization_id = holdfast.current_organization()
  and (%(id)s::uuid is null or c.id = %(id)s)
  and (%(before_at)s::timestamptz is null or (c.created_at, c.id) < (%(before_at)s, %(before_id)s))
order by c.created_at desc, c.id desc
limit %(limit)s;

-- name: add
-- Somebody new, or whoever is known by this name and address already; the id.
select holdfast.add_client(%(name)s, %(email)s, %(phone)s);

-- name: change
-- How a client is called and reached, unless somebody changed it meanwhile.
select holdfast.change_client(%(client_id)s, %(revision)s, %(name)s, %(email)s, %(phone)s);
