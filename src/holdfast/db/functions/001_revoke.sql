-- What the lesser roles may do is exact: everything is taken back, and the files after this one grant what is meant.
-- Reading tables is granted where a table is made; writing them is granted to nobody.
revoke execute on all functions in schema holdfast from public, holdfast_app, holdfast_worker;
revoke insert, update, delete, truncate, references, trigger on all tables in schema holdfast
  from public, holdfast_app, holdfast_worker;
revoke usage, update on all sequences in schema holdfast from public, holdfast_app, holdfast_worker;
