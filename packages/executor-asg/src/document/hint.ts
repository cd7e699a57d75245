/** Keys that people bring along from elsewhere, and what to do instead. */
const HINTS: ReadonlyMap<string, string> = new Map([
  [
    "user_data",
    "User data is kept beside the document and named by user_data_sha256; or use the preset step-asg-deployer.",
  ],
  ["user_data_kms_key", "User data is encrypted with the key of the bucket."],
  ["release_sha256", "The deployer hashes the document itself; leave it out."],
  ["force_safe_deploy", "Its name is safe_release."],
  ["warm_pool", "Warm pools are not supported."],
  ["instance_refresh", "A release makes new groups; instance refresh is not supported."],
  ["instance_maintenance_policy", "Instance maintenance policies are not supported."],
  ["traffic_sources", "Name load balancers by elbs and target_groups."],
  ["instance_requirements", "Name types by instance_types; selection by attributes is not supported."],
]);

/** What to say after "there is no such key", with a space before it; empty where nothing comes to mind. */
export function hintAt(key: string, known: readonly string[]): string {
  const hint = HINTS.get(key);
  if (hint !== undefined) return ` ${hint}`;
  const near = known.find((name) => isNear(name, key));
  return near === undefined ? "" : ` Do you mean ${JSON.stringify(near)}?`;
}

// Letters in other case, a letter too many, too few, other or swapped: all that typing does.
function isNear(name: string, key: string): boolean {
  if (key.length > 64) return false;
  const [one, other] = [toPlain(name), toPlain(key)];
  if (one === other) return true;
  if (Math.min(one.length, other.length) < 4 || Math.abs(one.length - other.length) > 1) return false;
  let from = 0;
  while (from < one.length && one[from] === other[from]) from += 1;
  const [restOfOne, restOfOther] = [one.slice(from), other.slice(from)];
  return (
    restOfOne.slice(1) === restOfOther.slice(1) ||
    restOfOne.slice(1) === restOfOther ||
    restOfOne === restOfOther.slice(1) ||
    (restOfOne.slice(2) === restOfOther.slice(2) && restOfOne[0] === restOfOther[1] && restOfOne[1] === restOfOther[0])
  );
}

function toPlain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}
