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
