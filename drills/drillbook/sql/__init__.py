"""PostgreSQL as a drill uses it: probes, validation, read-only mode, replication. Needs the extra ``postgres``."""
