"""Real PostgreSQL for the embedded cloud, shared by RDS instances and Aurora clusters. It knows nothing of AWS.

- ``engine.engine_of(cloud)``: makes servers; ``server.Server``: one data directory and its process
- ``door.Door(engine.network, address, port)``: an endpoint that stays while the server behind it changes
- ``link.Link(engine.network, engine.folder(...), engine.account, delay)``: replication between regions
- ``archive.Archive(engine, folder)``: base backups, WAL archive, recovery to a moment
- ``roles``: the master user
"""
