# Starts PostgreSQL in any image that has its programs, under any user, on a root file system that cannot be written.
umask 077
for folder in /usr/lib/postgresql/*/bin /usr/local/bin; do
  [ -x "$folder/postgres" ] && PATH="$folder:$PATH"
done
export PATH
password="$(cat /etc/slipway/database/password)"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # Under another name first: a start that was interrupted leaves nothing that looks like a database.
  rm -rf "$PGDATA.new"
  printf '%s\n' "$password" > /tmp/password
  initdb --pgdata="$PGDATA.new" --username=slipway --pwfile=/tmp/password --encoding=UTF8 --no-locale \
    --auth-host=scram-sha-256 --auth-local=trust --data-checksums
  rm -f /tmp/password
  printf 'host all all all scram-sha-256\n' >> "$PGDATA.new/pg_hba.conf"
  rm -rf "$PGDATA"
  mv "$PGDATA.new" "$PGDATA"
fi
found="$(cat "$PGDATA/PG_VERSION")"
have="$(postgres --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')"
if [ "$found" != "$have" ]; then
  echo "the volume holds a database of PostgreSQL $found, but the image runs PostgreSQL $have: set spec.managed.database.managed.version to \"$found\"" >&2
  exit 1
fi
# Only one pod can mount the volume, so a lock file is a dead server's; its process number may be that of this shell.
rm -f "$PGDATA/postmaster.pid"
# The password is whatever the Secret holds now, also after the Secret was lost and made again.
quoted="$(printf '%s' "$password" | sed "s/'/''/g")"
single() { postgres --single -D "$PGDATA" -c log_statement=none -c password_encryption=scram-sha-256 postgres; }
printf "ALTER ROLE slipway PASSWORD '%s'\nSELECT 'database ' || datname FROM pg_database\n" "$quoted" | single > /tmp/databases
grep -q '"database slipway"' /tmp/databases || printf 'CREATE DATABASE slipway\n' | single > /dev/null
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql \
  -c password_encryption=scram-sha-256 -c max_connections=200
