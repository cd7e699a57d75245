import { defined, type Locator, StackyardError } from "@stackyard/core";
import { MAIN_CONDITIONS, STACK_CONDITIONS, STACK_SORTS } from "@stackyard/core/api";
import type { StackFilter } from "@stackyard/core/engine";
import { type Static, Type } from "typebox";
import { parseStrictJson } from "../http/read-body.ts";

const Name = Type.Optional(Type.String({ minLength: 1, maxLength: 255 }));

/** The filter of stacks in a query. */
export const stackFilterQuery = {
  machine: Name,
  state: Name,
  idPrefix: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: "Only ids with this prefix." })),
  text: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: "Ids with this text somewhere; case matters." }),
  ),
  revision: Type.Optional(
    Type.String({
      pattern: "^[0-9a-f]{64}$",
      description: "The hash of the revision that the stack was last decided on.",
    }),
  ),
  metadata: Type.Optional(
    Type.String({
      minLength: 2,
      maxLength: 8_192,
      description:
        'Values that the metadata must have, at most 5, as JSON: `{"branch":"main"}`. Sensitive keys are refused (USAGE).',
    }),
  ),
  task: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_024,
      description: "Stacks in which a task of this name has failed; with `code`, with that code.",
    }),
  ),
  code: Type.Optional(
    Type.String({
      maxLength: 255,
      description: "Stacks in which a task has failed with this code; empty: without a code.",
    }),
  ),
  ids: Type.Optional(
    Type.String({
      minLength: 2,
      maxLength: 30_000,
      description: 'These stacks and no others, at most 1,000, as JSON: `["pr-1","pr-2"]`.',
    }),
  ),
  condition: Type.Optional(
    Type.Enum([...STACK_CONDITIONS, "any"], {
      description:
        "`failed`: a task is in ERROR. `degraded`: the stack has moved on after a failure that is neither resolved nor acknowledged. `busy`: a task is PENDING. `waiting`: one of the other conditions, or a parked event. `any`: all stacks, also where `waiting` is true.",
    }),
  ),
  mainCondition: Type.Optional(
    Type.Enum([...MAIN_CONDITIONS], {
      description:
        "The first that is true of the stack: failed, degraded, overdue, stalled, approval, busy, waiting (an event is parked); else asleep or healthy. Each stack has one.",
    }),
  ),
};

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

/** The order of a list of stacks, in a query. */
export const stackSortQuery = {
  sort: Type.Optional(
    Type.Enum([...STACK_SORTS], {
      description:
        "Default id; with `-` the last one comes first. At most 100,000 stacks are sorted by an instant. Cursors belong to one order.",
    }),
  ),
};
