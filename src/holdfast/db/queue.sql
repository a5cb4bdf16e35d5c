-- Who may use the job queue: the worker's role, and nobody else. Runs after procrastinate's own schema, whenever that or
-- this file changed; the search_path is the queue's schema. A job's arguments are ids, never a client's data.
grant usage on schema procrastinate to holdfast_worker;
grant select, insert, update, delete on all tables in schema procrastinate to holdfast_worker;
grant usage on all sequences in schema procrastinate to holdfast_worker;
grant execute on all functions in schema procrastinate to holdfast_worker;
