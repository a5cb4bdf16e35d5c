-- Endpoints: every secret signs until its own end, an endpoint that does not answer is left in peace as a whole, and an
-- attempt keeps what was said both ways.

create table holdfast.webhook_former_secret (
  organization_id uuid not null,
  endpoint_id uuid not null,
  id bigint not null generated always as identity,
  secret bytea not null,
  ends_at timestamptz not null,
  constraint webhook_former_secret_pkey primary key (organization_id, endpoint_id, id),
  constraint webhook_former_secret_endpoint_exists foreign key (organization_id, endpoint_id)
    references holdfast.webhook_endpoint (organization_id, id)
);
alter table holdfast.webhook_former_secret enable row level security;
alter table holdfast.webhook_former_secret force row level security;
create policy own_organization on holdfast.webhook_former_secret for select to holdfast_app
  using (organization_id = holdfast.current_organization());
create policy owner_commands on holdfast.webhook_former_secret to current_user using (true) with check (true);
grant select (organization_id, endpoint_id, ends_at) on holdfast.webhook_former_secret to holdfast_app;

insert into holdfast.webhook_former_secret (organization_id, endpoint_id, secret, ends_at)
select organization_id, id, previous_secret, previous_secret_ends_at from holdfast.webhook_endpoint
where previous_secret is not null;
alter table holdfast.webhook_endpoint drop column previous_secret, drop column previous_secret_ends_at;

-- Nothing is sent there before then; afterwards one delivery tries, and the others follow when it got through.
alter table holdfast.webhook_endpoint add column not_before timestamptz;
grant select (not_before) on holdfast.webhook_endpoint to holdfast_app;

alter table holdfast.delivery_attempt
  add column request_headers jsonb,
  add column response_headers jsonb,
  add constraint delivery_attempt_headers_are_bounded
    check (length(request_headers::text) <= 8000 and length(response_headers::text) <= 8000);

-- These answer or take more than before.
drop function if exists holdfast.endpoints_due(uuid);
drop function if exists holdfast.deliveries_due(uuid, bigint, integer);
drop function if exists holdfast.record_attempt(uuid, text, integer, text, text, integer, double precision);
drop function if exists holdfast.replay_webhook_endpoint(uuid, timestamptz);
drop function if exists holdfast.note_endpoint(uuid, text, text);
