# The password goes into a file and every byte of it as an escape: no character of it can break the configuration.
umask 077
escaped="$(printf '%s' "$(cat /etc/slipway/cache/password)" | od -An -tx1 -v | tr -d ' \n' | sed 's/../\\x&/g')"
{
  printf 'requirepass "%s"\n' "$escaped"
  printf 'bind * -::*\nport 6379\ndir /data\nsave ""\nappendonly no\nmaxmemory-policy allkeys-lru\n'
} > /data/redis.conf
exec redis-server /data/redis.conf --maxmemory "$MAXMEMORY"
