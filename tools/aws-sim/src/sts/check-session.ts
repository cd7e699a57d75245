import { SimFault } from "../sim-fault.ts";

/** The parts of a session that STS checks before it looks at the role. */
export interface SessionFacts {
  readonly name: string;
  readonly seconds: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly externalId: string | undefined;
}

/** "AssumeRole", RoleSessionName: 2 to 64 characters of this set. */
const NAME = /^[\w+=,.@-]*$/;

/** The same page, ExternalId: 2 to 1,224 characters of this set. */
const EXTERNAL_ID = /^[\w+=,.@:/-]*$/;
/** The same page, Tags: letters, digits, spaces and some signs. */
const TAG = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Throws `ValidationError` as AssumeRole does (API reference: RoleSessionName, DurationSeconds, Tags). */
export function checkSession({ name, seconds, tags, externalId }: SessionFacts): void {
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
  if (externalId !== undefined) checkExternalId(externalId);
  checkTags(tags);
}

function checkExternalId(id: string): void {
  if (id.length < 2 || id.length > 1_224) throw invalid(id, "externalId", "Member must have length between 2 and 1224");
  if (!EXTERNAL_ID.test(id)) {
    throw invalid(id, "externalId", "Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*");
  }
}

function checkTags(tags: SessionFacts["tags"]): void {
  const entries = Object.entries(tags);
  if (entries.length > 50) throw invalid("tags", "tags", "Member must have length less than or equal to 50");
  for (const [key, value] of entries) {
    if (key.length < 1 || key.length > 128) throw invalid(key, "tags.key", "Member must have length between 1 and 128");
    for (const text of [key, value]) {
      if (!TAG.test(text)) throw invalid(text, "tags", "Member must satisfy the pattern of tags");
    }
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
