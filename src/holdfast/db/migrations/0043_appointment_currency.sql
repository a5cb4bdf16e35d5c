-- The currency that a visit was sold in, once the organization has another; null: the organization's.
alter table holdfast.appointment
  add column currency text
  constraint appointment_currency_is_iso check (currency ~ '^[A-Z]{3}$');
