#!/bin/sh
# Bring Temporal's two databases to the schema of this image. Safe to run again.
set -eu
schema=${TEMPORAL_SCHEMA:-/etc/temporal/schema/postgresql/v12}

bring() {
    temporal-sql-tool --database "$1" setup-schema --version 0.0
    temporal-sql-tool --database "$1" update-schema --schema-dir "$schema/$2/versioned"
}

bring temporal temporal
bring temporal_visibility visibility
