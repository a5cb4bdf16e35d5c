-- What a merge of two records did, read before it is taken back.

-- name: moved_by_this_transaction
-- What the merge in this transaction has told of so far: whose claims moved, and what else is of the other record now. An
-- outside event that was told of both is removed once.
select count(distinct a.id) as visits, count(distinct h.id) filter (where a.id is null) as holds,
       count(distinct b.id) as blocks, count(distinct o.id) filter (where o.removed_at is null) as busy,
       count(distinct o.id) filter (where o.removed_at is not null) as told_of_both,
       coalesce(array_agg(distinct s.name::text) filter (where s.id is not null), '{}') as staff
from holdfast.event e
left join holdfast.hold h on h.organization_id = e.organization_id and h.id = e.subject_id
left join holdfast.appointment a on a.organization_id = h.organization_id and a.hold_id = h.id
left join holdfast.block b on b.organization_id = e.organization_id and b.id = e.subject_id
left join holdfast.busy o on o.organization_id = e.organization_id and o.id = e.subject_id
left join holdfast.staff s on s.organization_id = e.organization_id and s.id = e.subject_id
where e.organization_id = holdfast.current_organization() and e.transaction_id = pg_current_xact_id()
  and e.type in ('claim.moved', 'block.moved', 'busy.moved', 'busy.removed', 'staff.changed');
