-- Characters that override the direction of writing make one name look like another. Names from before stay as they are.
alter domain holdfast.label drop constraint label_is_readable;
alter domain holdfast.label add constraint label_is_readable check (
  length(value) between 1 and 200 and value !~ '[[:cntrl:]]' and value !~ '[\u202a-\u202e\u2066-\u2069]'
) not valid;
