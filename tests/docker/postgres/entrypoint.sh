#!/bin/bash
# Starts PostgreSQL as the image postgres:15 does: makes a cluster in an empty folder, for POSTGRES_USER with the password
# in POSTGRES_PASSWORD_FILE and the database POSTGRES_DB, by POSTGRES_INITDB_ARGS.
set -euo pipefail

[ "${1:-}" = postgres ] || exec "$@"

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    chmod 0700 "$PGDATA"
    read -ra options <<<"${POSTGRES_INITDB_ARGS:-}"
    initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" "${options[@]}"
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    # On its socket only, so that nobody finds a cluster that is half made.
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    [ "$POSTGRES_DB" = postgres ] || createdb -U "$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
