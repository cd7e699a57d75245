#!/bin/bash
# Writes /tmp/inventory: a group for each role in this instance's tag Ansible_Roles, holding this instance alone.
# Stackyard's profile garlc-1 runs it before ansible-playbook, as the predecessor did.
set -eu

metadata=http://169.254.169.254/latest
token="$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token")"
instance_id="$(curl -s -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/instance-id")"

roles="$(aws ec2 describe-tags \
  --filters "Name=resource-id,Values=$instance_id" "Name=key,Values=Ansible_Roles" \
  --query 'Tags[0].Value' --output text)"
if [ "$roles" = "None" ]; then roles=""; fi

inventory="${INVENTORY_FILE:-/tmp/inventory}"
: > "$inventory"
for role in $(printf '%s' "$roles" | tr -d '[:space:]' | tr ',' ' '); do
  printf '[%s]\nlocalhost ansible_connection=local\n' "$role" >> "$inventory"
done
