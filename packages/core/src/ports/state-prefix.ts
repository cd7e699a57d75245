/**
 * Returns the beginning of the keys of a stack's Terraform states: `<machine>/<stack id>/`. Each of the two is one
 * segment, with `%25` for `%`, `%2F` for `/`, and the dots of `.` and `..` as `%2E`; so no stack's prefix begins with
 * another's, whatever the ids are. The executor names states by it, and the server grants access by it.
 */
export function toStatePrefix({ machine, stackId }: { readonly machine: string; readonly stackId: string }): string {
  return `${toSegment(machine)}/${toSegment(stackId)}/`;
}

function toSegment(text: string): string {
  if (text === "." || text === "..") return text.replaceAll(".", "%2E");
  return text.replaceAll("%", "%25").replaceAll("/", "%2F");
}

/** Returns the stack whose state has this key (see `toStatePrefix`); undefined for a key of another form. */
export function findStateOwner(key: string): { readonly machine: string; readonly stackId: string } | undefined {
  const [first, second, rest] = key.split("/", 3);
  if (first === undefined || second === undefined || rest === undefined) return undefined;
  const owner = { machine: toText(first), stackId: toText(second) };
  // Any other spelling of the same names is another key, which belongs to no stack.
  return key.startsWith(toStatePrefix(owner)) && owner.machine !== "" && owner.stackId !== "" ? owner : undefined;
}

const MAX_READABLE = 300;

/** Returns the part of a state's key, or of such a key's prefix, that the keys of its records begin with. */
export function toReadableStateKey(stateKey: string): string {
  return encodeURIComponent(stateKey).slice(0, MAX_READABLE);
}

function toText(segment: string): string {
  if (segment === "%2E" || segment === "%2E%2E") return segment.replaceAll("%2E", ".");
  return segment.replaceAll("%2F", "/").replaceAll("%25", "%");
}
