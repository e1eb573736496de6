#!/bin/sh
# The roles and databases of one new server: ours, and the two of Temporal. PostgreSQL's image runs
# it once, when it makes its data folder; passwords come from the environment.
set -eu
psql --set ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv throughline_password THROUGHLINE_DB_PASSWORD
\getenv temporal_password TEMPORAL_DB_PASSWORD
create role throughline login password :'throughline_password';
create role temporal login password :'temporal_password';
create database throughline owner throughline;
create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke connect, temporary on database throughline, temporal, temporal_visibility from public;
SQL
