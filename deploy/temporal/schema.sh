#!/bin/sh
# Creates Temporal's two databases and brings their schema up to date. May run again at any time: what is there is kept.
# Host, user and password come from SQL_HOST, SQL_USER and SQL_PASSWORD.
set -eu

prepare() {
  temporal-sql-tool --plugin postgres12 --port 5432 --database "$1" create
  temporal-sql-tool --plugin postgres12 --port 5432 --database "$1" setup-schema -v 0.0
  temporal-sql-tool --plugin postgres12 --port 5432 --database "$1" update-schema --schema-name "postgresql/v12/$2"
}

prepare temporal temporal
prepare temporal_visibility visibility
