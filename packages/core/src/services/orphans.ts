import { hash } from "node:crypto";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { defineRecordKind, type RecordsDeps } from "../ports/record-kind.ts";
import type { Page, PageInput } from "../ports/records.ts";

/** Something that remains of a stack that is gone. */
export const OrphanResource = Type.Object({
  /** An ARN, an address in a Terraform state, or the key of a state. */
  name: Type.String(),
  source: Type.Union([Type.Literal("tags"), Type.Literal("inventory"), Type.Literal("state"), Type.Literal("unsaved")]),
  account: Type.Optional(Type.String()),
  region: Type.Optional(Type.String()),
  /** The key of the Terraform state that contains it. */
  state: Type.Optional(Type.String()),
});
export type OrphanResource = Static<typeof OrphanResource>;

/** The remains of a removed stack. */
export const Orphan = Type.Object({
  /** The id of the stack. Of resources that are known by their tags only, the value of the tag, which may differ from it. */
  stackId: Type.String(),
  machine: Type.String(),
  /** Epoch milliseconds: when it was found for the first time. */
  since: Type.Number(),
  /** Missing: it was found only within the last hour. */
  listedAt: Type.Optional(Type.Number()),
  count: Type.Integer(),
  /** Not more than fit into a record. */
  resources: Type.Array(OrphanResource),
});
export type Orphan = Static<typeof Orphan>;

/** The last search for orphans. */
export const OrphanCheck = Type.Object({
  /** Epoch milliseconds: the last search that was complete. */
  at: Type.Optional(Type.Number()),
  /** Accounts that were not searched last time. */
  failures: Type.Array(Type.Object({ account: Type.String(), region: Type.String(), message: Type.String() })),
});
export type OrphanCheck = Static<typeof OrphanCheck>;

/** The record of the last search. */
export const ORPHAN_CHECK_KEY = "orphans/check";

/** The remains of removed stacks. What is searched for again is written again. */
export const orphans = defineRecordKind({
  prefix: "orphans/found/",
  value: Orphan,
  holds: "what remains of removed stacks",
  kept: "until it is not found any more",
  damaged: "missing",
});

/** Returns the name of the record of an orphan. */
export function toOrphanName({ machine, stackId }: Pick<Orphan, "machine" | "stackId">): string {
  return hash("sha256", JSON.stringify([machine, stackId])).slice(0, 32);
}

/** Lists the remains of stacks that were removed at least an hour ago; with `all` also those found only now. */
export async function listOrphans(
  deps: RecordsDeps,
  page: PageInput,
  { all = false }: { readonly all?: boolean } = {},
): Promise<Page<Orphan>> {
  const found = await orphans.list(deps, page);
  return { ...found, items: found.items.filter(({ listedAt }) => all || listedAt !== undefined) };
}

/** Returns the last search; undefined before the first. */
export async function findOrphanCheck({ records, clock }: RecordsDeps): Promise<OrphanCheck | undefined> {
  const found = await records.get(ORPHAN_CHECK_KEY, clock.now());
  return Check(OrphanCheck, found?.value) ? found.value : undefined;
}
