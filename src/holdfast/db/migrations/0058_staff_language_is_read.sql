-- Mail to somebody on the staff is written in the language that they chose.
grant select (language) on holdfast.staff to holdfast_app;
