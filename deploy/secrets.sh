#!/bin/sh
# Writes the secrets of compose.yaml that are not there yet, into the folder of the first argument.
set -eu
folder="${1:-$(dirname "$0")/secrets}"
mkdir -p "$folder"
chmod 700 "$folder"
# Containers read them as another user, so the folder is closed and the files are not.
write() { [ -e "$folder/$1" ] || cat > "$folder/$1"; }
openssl rand -hex 24 | write postgres-password
printf 'postgres://stackyard:%s@postgres:5432/stackyard' "$(cat "$folder/postgres-password")" | write database-url
openssl rand -hex 32 | write metrics-token
printf 'admin=%s\nmetrics=%s\n' "$(openssl rand -hex 32)" "$(cat "$folder/metrics-token")" | write api-tokens
openssl rand -base64 32 | write seal-key
