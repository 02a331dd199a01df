create table if not exists auth_user (
    username text primary key,
    email    text not null default '',
    salt     bytea not null,
    password bytea not null,
    joined   timestamptz not null default now()
);
create table if not exists auth_session (
    digest   text primary key,
    username text not null references auth_user,
    begun    timestamptz not null default now()
);
create table if not exists habit (
    id        text primary key,
    username  text not null references auth_user,
    name      text not null,
    frequency text not null check (frequency in ('daily', 'weekly', 'monthly')),
    changed   timestamptz not null default now()
);
create or replace function note_change() returns trigger language plpgsql as $$
begin
    new.changed := clock_timestamp();
    return new;
end
$$;
create or replace trigger habit_changed before update on habit for each row execute function note_change();
create or replace view unsound_habit as select * from habit where name !~ '^[[:alnum:] ,.-]+$';
