"""The habits of a user."""

import uuid

import database

COLUMNS = ("id", "name", "frequency")


def all_of(user):
    return [
        told(row) for row in database.run("select id, name, frequency from habit where username = %s order by id", user)
    ]


def one(user, habit):
    return first(database.run("select id, name, frequency from habit where username = %s and id = %s", user, habit))


def create(user, said):
    """None if there is one of this id."""
    asked = (said.get("id") or uuid.uuid4().hex, user, said["name"], said.get("frequency", "daily"))
    made = database.run(
        "insert into habit (id, username, name, frequency) values (%s, %s, %s, %s)"
        " on conflict do nothing returning id, name, frequency",
        *asked,
    )
    return first(made)


def change(user, habit, said):
    changed = database.run(
        "update habit set name = %s, changed = now() where username = %s and id = %s returning id, name, frequency",
        said["name"], user, habit,
    )  # fmt: skip
    return first(changed)


def remove(user, habit):
    return first(
        database.run("delete from habit where username = %s and id = %s returning id, name, frequency", user, habit)
    )


def first(rows):
    return told(rows[0]) if rows else None


def told(row):
    return dict(zip(COLUMNS, row, strict=True))
