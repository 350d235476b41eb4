#!/bin/sh
# A MySQL-protocol database for the bookstore demo, from the machine's own MariaDB. Data lives in $DATADIR, an emptyDir.
set -eu
: "${MYSQL_DATABASE:?}" "${MYSQL_USER:?}" "${MYSQL_PASSWORD:?}"
DATADIR=${DATADIR:-/var/lib/mysql}
if [ ! -d "$DATADIR/mysql" ]; then
  mariadb-install-db --no-defaults --datadir="$DATADIR" --auth-root-authentication-method=socket --skip-test-db >/dev/null
fi
cat >"$DATADIR/init.sql" <<SQL
CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;
CREATE USER IF NOT EXISTS '$MYSQL_USER'@'%' IDENTIFIED BY '$MYSQL_PASSWORD';
GRANT ALL ON \`$MYSQL_DATABASE\`.* TO '$MYSQL_USER'@'%';
SQL
# Through the sidecar every client comes from a loopback address, whose name need not be looked up.
exec mariadbd --no-defaults --datadir="$DATADIR" --socket="$DATADIR/mysqld.sock" --pid-file="$DATADIR/mysqld.pid" \
  --bind-address=0.0.0.0 --port=3306 --skip-name-resolve --init-file="$DATADIR/init.sql" \
  --innodb-buffer-pool-size=16M --innodb-log-file-size=8M --performance-schema=OFF
