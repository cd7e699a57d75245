/**
 * A name as AssumeRole takes it ("RoleSessionName": 2 to 64 characters of `[\w+=,.@-]`): other characters become `-`, and
 * what is too long is cut. It stands in the other account's CloudTrail beside every call.
 */
export function toSessionName(text: string): string {
  const name = text.replace(/[^\w+=,.@-]+/g, "-").slice(0, 64);
  return name.length < 2 ? `stackyard-${name}`.slice(0, 64) : name;
}
