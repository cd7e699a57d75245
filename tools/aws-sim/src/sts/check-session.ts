import { SimFault } from "../sim-fault.ts";

/** The parts of a session that STS checks before it looks at the role. */
export interface SessionFacts {
  readonly name: string;
  readonly seconds: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** "AssumeRole", RoleSessionName: 2 to 64 characters of this set. */
const NAME = /^[\w+=,.@-]*$/;

/** Throws `ValidationError` as AssumeRole does (API reference: RoleSessionName, DurationSeconds, Tags). */
export function checkSession({ name, seconds, tags }: SessionFacts): void {
  if (name.length < 2 || name.length > 64)
    throw invalid(name, "roleSessionName", "Member must have length between 2 and 64");
  if (!NAME.test(name)) {
    throw invalid(name, "roleSessionName", "Member must satisfy regular expression pattern: [\\w+=,.@-]*");
  }
  if (seconds < 900)
    throw invalid(String(seconds), "durationSeconds", "Member must have value greater than or equal to 900");
  if (seconds > 43_200) {
    throw invalid(String(seconds), "durationSeconds", "Member must have value less than or equal to 43200");
  }
  const entries = Object.entries(tags);
  if (entries.length > 50) throw invalid("tags", "tags", "Member must have length less than or equal to 50");
  for (const [key, value] of entries) {
    if (key.length < 1 || key.length > 128) throw invalid(key, "tags.key", "Member must have length between 1 and 128");
    if (value.length > 256) throw invalid(value, "tags.value", "Member must have length less than or equal to 256");
  }
}

/** The tags of a request by key. */
export function toSessionTags(tags: unknown): Readonly<Record<string, string>> {
  const list: readonly { readonly Key?: unknown; readonly Value?: unknown }[] = Array.isArray(tags) ? tags : [];
  return Object.fromEntries(list.map(({ Key, Value }) => [String(Key), String(Value)]));
}

function invalid(value: string, field: string, constraint: string): SimFault {
  const text = `1 validation error detected: Value '${value}' at '${field}' failed to satisfy constraint: ${constraint}`;
  return new SimFault("ValidationError", 400, text);
}
