"""RDS for PostgreSQL on real servers. Members of Aurora clusters are the aurora plane's: it wraps the same methods of
moto's backend after this plane has, and hands on what is no cluster's."""
