"""The API of the habit tracker: one Lambda function behind API Gateway's proxy integration.

Everything it knows stands in Aurora. A database that does not answer is a 503, so that a client, a health check and
the 5xx alarm see the same.
"""

import json
import os
from urllib.parse import parse_qsl

import accounts
import database
import habits

JSON = {"Content-Type": "application/json"}


class Refused(Exception):
    """A request that cannot be carried out as it is; its answer is (status, words)."""


def handler(event, _context):
    """API Gateway's entry."""
    try:
        status, said = answer(event)
    except Refused as refused:
        status, said = refused.args[0], {"error": refused.args[1]}
    except database.Unavailable:
        status, said = 503, {"status": "unhealthy", "database": {"status": "unhealthy"}}
    return {"statusCode": status, "headers": JSON, "body": json.dumps(said)}


def answer(event):
    method, path = event["httpMethod"], event["path"].rstrip("/")
    if (method, path) == ("GET", "/health"):
        database.run("select 1")
        return 200, {"status": "healthy", "region": os.environ["AWS_REGION"], "database": {"status": "healthy"}}
    if (method, path) == ("POST", "/Register"):
        return register(fields(event))
    if (method, path) == ("POST", "/login"):
        return log_in(fields(event))
    if path == "/api/habits" or path.startswith("/api/habits/"):
        return of_habits(method, path.removeprefix("/api/habits").strip("/"), event)
    raise Refused(404, "no such page")


def register(form):
    if form.get("password1") != form.get("password2") or not form.get("password1"):
        raise Refused(400, "the passwords differ")
    if not accounts.register(form.get("username", ""), form.get("email", ""), form["password1"]):
        raise Refused(409, "this name is taken")
    return 201, {"username": form["username"]}


def log_in(form):
    token = accounts.log_in(form.get("username", ""), form.get("password", ""))
    if token is None:
        raise Refused(401, "no such user or password")
    return 200, {"token": token}


def of_habits(method, habit, event):
    user = accounts.user_of(token(event))
    if user is None:
        raise Refused(401, "log in first")
    match method, bool(habit):
        case "GET", False:
            return 200, habits.all_of(user)
        case "POST", False:
            return created(habits.create(user, fields(event)))
        case "GET", True:
            return found(habits.one(user, habit))
        case "PUT", True:
            return found(habits.change(user, habit, fields(event)))
        case "DELETE", True:
            return found(habits.remove(user, habit))
    raise Refused(405, "not for this page")


def created(habit):
    if habit is None:
        raise Refused(409, "there is such a habit")
    return 201, habit


def found(habit):
    if habit is None:
        raise Refused(404, "no such habit")
    return 200, habit


def fields(event):
    """The fields of a JSON body or of an HTML form."""
    body = event.get("body") or ""
    if body.startswith("{"):
        return json.loads(body)
    return dict(parse_qsl(body))


def token(event):
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return headers.get("authorization", "").removeprefix("Token ").strip()
