import { defined, type Locator, StackyardError } from "@stackyard/core";
import { stackFilterQuery } from "@stackyard/core/api/operations";
import type { StackFilter } from "@stackyard/core/engine";
import { type Static, Type } from "typebox";
import { parseStrictJson } from "../http/read-body.ts";

const filterSchema = Type.Object(stackFilterQuery);

/** Parses the filter of a query. Throws `USAGE` with the faults of its metadata. */
export async function toStackFilter(query: Static<typeof filterSchema>, locator: Locator): Promise<StackFilter> {
  const { condition, metadata: text, ids: list, ...rest } = query;
  const ids = list === undefined ? undefined : parseIds(list);
  const metadata = text === undefined ? undefined : parseMetadata(text);
  await refuseSensitive(locator, { metadata, machine: query.machine });
  return {
    ...defined(rest),
    ...(condition !== undefined && condition !== "any" && { condition }),
    ...defined({ metadata, ids }),
  };
}

const MOST = 5;

function parseMetadata(text: string): NonNullable<StackFilter["metadata"]> {
  const value = parseStrictJson(text, "query/metadata");
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong('metadata is not a JSON object such as {"branch":"main"}.');
  }
  const entries = Object.entries(value);
  if (entries.length > MOST) throw wrong(`metadata has ${entries.length} keys; at most ${MOST} are allowed.`);
  for (const [key, each] of entries) {
    if (typeof each === "object" && each !== null)
      throw wrong(`metadata/${key} is not a text, a number, true, false or null.`);
  }
  // Only scalars are left.
  return value as NonNullable<StackFilter["metadata"]>;
}

function parseIds(text: string): readonly string[] {
  const value = parseStrictJson(text, "query/ids");
  const isList = Array.isArray(value) && value.every((id) => typeof id === "string");
  if (isList) return value;
  throw wrong('ids is not a JSON array of ids such as ["pr-1"].');
}

function wrong(message: string): StackyardError {
  return new StackyardError("USAGE", `query/${message}`);
}

/** Throws `USAGE` for a filter by a sensitive value: it would reveal the value to callers that try values. */
export async function refuseSensitive(
  locator: Locator,
  { metadata, machine }: { readonly metadata?: object | undefined; readonly machine?: string | undefined },
): Promise<void> {
  if (metadata === undefined) return;
  const keys = Object.keys(metadata);
  for (const { name, located } of await locator.list()) {
    if (located.kind !== "found" || (machine !== undefined && name !== machine)) continue;
    const key = keys.find((each) => located.machine.metadata.keys.get(each)?.sensitive === true);
    if (key !== undefined) {
      // The machine is not named: the caller may not know it.
      const message = `The metadata key "${key}" is sensitive in a machine: stacks cannot be searched by it.`;
      throw new StackyardError("USAGE", message);
    }
  }
}
