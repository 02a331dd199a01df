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
