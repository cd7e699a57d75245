# Applies one artifact to this host: fetches it with the host's own role, checks its SHA-256, unpacks it into a folder of
# its own and runs its entry point, whose exit code is this script's. It stops at the first error.
set -eu
usual_mask=$(umask)
umask 077

# Newer agents hand parameters over in the environment. Older ones write them between the quotes; the patterns of the
# document allow neither a quote nor a line's end, so a value cannot leave them.
if [ -z "${SSM_ArtifactLocation+x}" ]; then SSM_ArtifactLocation='{{ ArtifactLocation }}'; fi
if [ -z "${SSM_ArtifactSha256+x}" ]; then SSM_ArtifactSha256='{{ ArtifactSha256 }}'; fi
if [ -z "${SSM_Inventory+x}" ]; then SSM_Inventory='{{ Inventory }}'; fi
if [ -z "${SSM_InventorySource+x}" ]; then SSM_InventorySource='{{ InventorySource }}'; fi
if [ -z "${SSM_EntryPoint+x}" ]; then SSM_EntryPoint='{{ EntryPoint }}'; fi
if [ -z "${SSM_LockWait+x}" ]; then SSM_LockWait='{{ LockWait }}'; fi

# fail EXIT_CODE CODE MESSAGE
fail() {
  printf 'stackyard: %s: %s\n' "$2" "$3" >&2
  exit "$1"
}

# The same addresses as those of the AWS CLI; only the host's own environment can change them, parameters cannot.
metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}
metadata=${metadata%/}/latest

get() {
  curl --silent --show-error --fail --noproxy '*' --connect-timeout 2 --max-time 10 --retry 2 \
    --header "X-aws-ec2-metadata-token: $token" "$metadata/$1"
}

# Nodes outside of EC2 have no metadata; their agent knows the region.
find_region() {
  token=
  case ${AWS_SSM_INSTANCE_ID:-} in
    mi-*) region=${AWS_SSM_REGION_NAME:-} ;;
    *)
      token=$(curl --silent --show-error --fail --noproxy '*' --connect-timeout 2 --max-time 10 --retry 2 --request PUT \
        --header 'X-aws-ec2-metadata-token-ttl-seconds: 21600' "$metadata/api/token") ||
        fail 69 METADATA_UNAVAILABLE 'the instance metadata service gives no token (IMDSv2).'
      region=$(get meta-data/placement/region) || fail 69 METADATA_UNAVAILABLE 'the metadata service names no region.'
      ;;
  esac
  [ -n "$region" ] || fail 69 METADATA_UNAVAILABLE 'the region of this node is not known.'
  export AWS_REGION="$region" AWS_DEFAULT_REGION="$region"
}

# One run at a time on a host. The lock ends with its process. What the entry point starts does not hold it.
take_lock() {
  folder=${STACKYARD_LOCK_FOLDER:-/run/stackyard}
  mkdir -p -m 700 "$folder" || fail 73 LOCK_UNUSABLE "cannot make $folder; the script must run as root."
  exec 9>>"$folder/apply-artifact.lock"
  if [ "$SSM_LockWait" = 0 ]; then set -- -n; else set -- -w "$SSM_LockWait"; fi
  flock "$@" 9 ||
    fail 75 ALREADY_RUNNING "another run works on this host and did not end within $SSM_LockWait s. Run this one again."
}

# %41 as A. The pattern lets no control character through.
decode() {
  rest=$1
  text=
  while :; do
    case $rest in *%*) ;; *) break ;; esac
    text=$text${rest%%\%*}
    rest=${rest#*\%}
    text=$text\\0$(printf '%03o' "0x${rest%"${rest#??}"}")
    rest=${rest#??}
  done
  printf '%b' "$text$rest"
}

parse_location() {
  rest=${SSM_ArtifactLocation#s3://}
  bucket=${rest%%/*}
  path=${rest#*/}
  query=
  version=
  case $path in
    *\?versionId=*)
      version=${path#*\?versionId=}
      path=${path%%\?*}
      query="?versionId=$version"
      ;;
  esac
  key=$(decode "$path")
  # The AWS CLI would read such a value as the name of a file.
  case $key in file://* | fileb://*) fail 64 PARAMETER_INVALID 'the key of the artifact begins like a file address.' ;; esac
}

fetch_by_cli() {
  set -- s3api get-object --bucket "$bucket" "--key=$key"
  if [ -n "$version" ]; then set -- "$@" "--version-id=$version"; fi
  aws "$@" "$work/artifact.zip" >"$work/answer" || return 1
}

credential() {
  printf '%s' "$credentials" | sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p'
}

# Without the AWS CLI: curl signs the request. What is secret goes through its standard input, not through its arguments.
fetch_by_curl() {
  role=$(get meta-data/iam/security-credentials/) || fail 77 NO_INSTANCE_PROFILE 'this instance has no instance profile.'
  credentials=$(get "meta-data/iam/security-credentials/${role%%[!A-Za-z0-9+=,.@_-]*}") || return 1
  domain=amazonaws.com
  case $region in
    cn-*) domain=amazonaws.com.cn ;;
    eusc-*) domain=amazonaws.eu ;;
  esac
  printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' \
    "$(credential AccessKeyId)" "$(credential SecretAccessKey)" "$(credential Token)" |
    curl --config - --silent --show-error --fail --connect-timeout 10 --retry 3 --aws-sigv4 "aws:amz:$region:s3" \
      --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --output "$work/artifact.zip" \
      "${AWS_ENDPOINT_URL_S3:-https://s3.$region.$domain}/$bucket/$path$query"
}

fetch() {
  parse_location
  if command -v aws >/dev/null 2>&1; then by=fetch_by_cli; else by=fetch_by_curl; fi
  "$by" || fail 66 ARTIFACT_DOWNLOAD_FAILED "cannot read s3://$bucket/$path$query; see the line above."
  sum=$(sha256sum <"$work/artifact.zip")
  sum=${sum%% *}
  [ "$sum" = "$SSM_ArtifactSha256" ] ||
    fail 65 ARTIFACT_CHECKSUM_MISMATCH "the artifact has the SHA-256 $sum and not $SSM_ArtifactSha256. Nothing was unpacked."
}

# Names that leave the folder and links are refused: nothing of them is used.
unpack() {
  mkdir "$work/tree"
  if command -v unzip >/dev/null 2>&1; then
    unzip -Z1 "$work/artifact.zip" >"$work/names" || fail 65 ARTIFACT_UNREADABLE 'the artifact is not a zip archive.'
    if grep -Eq '^/|\\|(^|/)\.\.(/|$)' "$work/names"; then
      fail 65 ARTIFACT_UNSAFE 'the artifact holds a name that leaves its folder.'
    fi
    # 1 is a warning: everything was unpacked.
    unzip -q -o "$work/artifact.zip" -d "$work/tree" </dev/null || [ "$?" -eq 1 ] ||
      fail 65 ARTIFACT_UNREADABLE 'the artifact cannot be unpacked.'
  else
    # The module alone drops the modes: scripts of the artifact could not run.
    python3 -c 'import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    for info in archive.infolist():
        path, mode = archive.extract(info, sys.argv[2]), info.external_attr >> 16 & 0o777
        if mode and not info.is_dir(): os.chmod(path, mode)' "$work/artifact.zip" "$work/tree" ||
      fail 65 ARTIFACT_UNREADABLE 'the artifact cannot be unpacked: it is not a zip archive, or neither unzip nor python3 is here.'
  fi
  if [ -n "$(find "$work/tree" -type l)" ]; then fail 65 ARTIFACT_UNSAFE 'the artifact holds links.'; fi
  [ -f "$work/tree/$SSM_EntryPoint" ] || fail 66 ENTRY_POINT_MISSING "the artifact has no file $SSM_EntryPoint."
}

# A group for each role of the tag Ansible_Roles, as the control plane writes it from tags that it has read.
inventory_of_tags() {
  get meta-data/tags/instance/ >"$work/tags" ||
    fail 69 INSTANCE_TAGS_HIDDEN 'tags are not in the instance metadata. Switch InstanceMetadataTags on.'
  if ! grep -qx 'Ansible_Roles' "$work/tags"; then return 0; fi
  roles=$(get meta-data/tags/instance/Ansible_Roles) || fail 69 METADATA_UNAVAILABLE 'the tag Ansible_Roles cannot be read.'
  printf '%s' "$roles" | tr -d '[:space:]' | tr ',' '\n' | awk '
    $0 == "" || seen[$0]++ { next }
    $0 !~ /^[A-Za-z_][A-Za-z0-9_-]*$/ || length($0) > 63 { exit 1 }
    ++count > 50 { exit 1 }
    { printf "[%s]\nlocalhost ansible_connection=local\n", $0 }
  ' || fail 65 ROLE_NAME_INVALID 'the tag Ansible_Roles holds a name that no role can have, or more than 50 roles.'
}

write_inventory() {
  case $SSM_InventorySource in
    instance-tags) inventory_of_tags >"$work/inventory" ;;
    *) printf '%s' "$SSM_Inventory" | base64 -d >"$work/inventory" ||
      fail 64 PARAMETER_INVALID 'the inventory is not base64.' ;;
  esac
  if [ ! -s "$work/inventory" ]; then echo 'stackyard: NO_ROLES: the inventory is empty: no role applies to this host.'; fi
}

# Ansible wants a home, which agents may not give, and the settings that lie beside its playbook. What it makes on this
# host gets the usual permissions.
run_entry_point() {
  umask "$usual_mask"
  export HOME="${HOME:-/root}" ANSIBLE_INVENTORY="$work/inventory"
  cd "$work/tree" || return 1
  if [ -z "${ANSIBLE_CONFIG:-}" ] && [ -f "$(dirname "$SSM_EntryPoint")/ansible.cfg" ]; then
    export ANSIBLE_CONFIG="$work/tree/$(dirname "$SSM_EntryPoint")/ansible.cfg"
  fi
  case $SSM_EntryPoint in
    *.yml | *.yaml) ansible-playbook -i "$work/inventory" "./$SSM_EntryPoint" ;;
    *) bash "./$SSM_EntryPoint" ;;
  esac
}

command -v flock >/dev/null 2>&1 || fail 69 TOOL_MISSING 'flock (util-linux) is not installed.'
work=$(mktemp -d "${TMPDIR:-/tmp}/stackyard.XXXXXXXXXX")
trap 'cd / && rm -rf -- "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

find_region
take_lock
fetch
write_inventory
unpack
status=0
run_entry_point 9>&- </dev/null || status=$?
exit "$status"
