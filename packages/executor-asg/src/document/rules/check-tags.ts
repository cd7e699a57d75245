import { type Fault, pointTo, quote } from "../release-problem.ts";

/** Tags of an Auto Scaling group: how many, and how long (Auto Scaling User Guide, tag restrictions). */
const LIMITS = { tags: 50, key: 128, value: 256 } as const;

/** Tags that every group gets, whatever the document says. */
const RESERVED_TAGS = ["ProjectName", "ConfigName", "ServiceName", "ReleaseID", "ReleaseUUID", "Name"] as const;

/** The rules of a service's tags. */
export function* checkTags(tags: Readonly<Record<string, string | null>>, pointer: string): Generator<Fault> {
  for (const [key, value] of Object.entries(tags)) {
    const place = pointTo(pointer, key);
    const length = value?.length ?? 0;
    const message = findKeyFault(key);
    if (message !== undefined) yield { code: "release-tag-key", pointer: place, message };
    if (length > LIMITS.value) {
      const tooLong = `The tag ${quote(key)} has ${length} characters; ${LIMITS.value} are the limit.`;
      yield { code: "release-tag-value", pointer: place, message: tooLong };
    }
  }
  const all = new Set([...Object.keys(tags), ...RESERVED_TAGS]).size;
  if (all > LIMITS.tags) {
    const message = `The group would have ${all} tags, ${RESERVED_TAGS.length} of them the deployer's; ${LIMITS.tags} are the limit.`;
    yield { code: "release-tags-too-many", pointer, message };
  }
}

function findKeyFault(key: string): string | undefined {
  if (key === "") return "A tag has no key.";
  if (key.length > LIMITS.key) {
    return `The tag's key ${quote(key)} has ${key.length} characters; ${LIMITS.key} are the limit.`;
  }
  if (/^aws:/i.test(key)) return `Tags that begin with "aws:" are those of AWS: ${quote(key)}.`;
  // By these a deployer knows which groups are kept, and whose.
  if (key.startsWith("stackyard:")) return `Tags that begin with "stackyard:" are the deployer's: ${quote(key)}.`;
  return undefined;
}
