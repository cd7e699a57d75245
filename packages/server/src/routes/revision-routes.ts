import { type KeptRevision, type Locator, type Revision, StackyardError, type Store } from "@stackyard/core";
import { isInternalMachine, mayReadDefinition } from "@stackyard/core/access";
import type { RevisionSummary } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { type Page, type PageInput, type StackFilter, toRevisionOrder } from "@stackyard/core/engine";
import { jobStackId } from "@stackyard/core/machine";
import type { Caller } from "../access/caller.ts";
import { toUnknownMachine } from "../access/guard.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Revisions of machines: which ones there are, and their documents. */
export function revisionRoutes(deps: RouteDeps): readonly Route[] {
  const { store, locator } = deps;
  return [
    serve(deps, operations.listRevisions, async ({ params: { name }, query }, { caller }) => {
      // Jobs have no machine that anybody may list.
      if (isInternalMachine(name)) throw await toUnknownMachine(locator, caller.rights, name);
      const located = await locator.find(name);
      const current = located.kind === "found" ? located.revision : undefined;
      const page = await loadPage(store, name, { ...pageInput(query), current });
      if (located.kind === "unknown" && page.items.length === 0 && query.cursor === undefined) {
        throw await toUnknownMachine(locator, caller.rights, name);
      }
      const hashes = page.items.map(({ hash }) => hash);
      const stacks = await countStacks(store, name, hashes, caller);
      const toView = (each: ListedRevision) => toSummary(each, { stacks: stacks.get(each.hash) ?? 0, current });
      return reply(200, toPage(page, { toView, toId: ({ hash }) => hash }));
    }),
    serve(deps, operations.getRevision, async ({ params: { hash } }, { caller }) => {
      const found = await findRevision(deps, hash);
      if (found === undefined || !(await isVisible(store, found, caller))) {
        throw new StackyardError("NOT_FOUND", `Revision ${hash} not found.`);
      }
      const stacks = (await countStacks(store, found.name, [hash], caller)).get(hash) ?? 0;
      const summary = toSummary(found, { stacks, current: await findCurrent(locator, found.name) });
      return reply(200, { ...summary, source: found.source });
    }),
  ];
}

/** Loads a page of stored revisions; the first page starts with the newest revision if that is not stored. */
async function loadPage(
  store: Store,
  name: string,
  { current, ...input }: PageInput & { readonly current: Revision | undefined },
): Promise<Page<ListedRevision>> {
  const unused = input.cursor === undefined ? await findUnused(store, current) : undefined;
  if (unused === undefined) return store.revisions.list(name, input);
  if (input.limit === 1) return { items: [unused], cursor: START };
  const page = await store.revisions.list(name, { ...input, limit: input.limit - 1 });
  return { ...page, items: [unused, ...page.items] };
}

/** The cursor of the page that starts with the newest stored revision. */
const START = toRevisionOrder({}).toCursor({ value: Number.MAX_SAFE_INTEGER, id: "" });

/** A stored revision, or the newest one if it is not stored yet. */
type ListedRevision = Omit<Revision, "source"> & { readonly firstSeenAt?: number };

async function findCurrent(locator: Locator, name: string): Promise<Revision | undefined> {
  const located = await locator.find(name);
  return located.kind === "found" ? located.revision : undefined;
}

async function findUnused(store: Store, current: Revision | undefined): Promise<ListedRevision | undefined> {
  if (current === undefined || (await store.revisions.get(current.hash)) !== undefined) return undefined;
  return { name: current.name, hash: current.hash };
}

/** Returns how many stacks each of the revisions has, of those that the caller may see. */
async function countStacks(
  { queries }: Store,
  machine: string,
  hashes: readonly string[],
  caller: Caller,
): Promise<ReadonlyMap<string, number>> {
  const filter: StackFilter = { machine, ...toScopeFilter(caller, "read") };
  const { groups, moreGroups } = await queries.countStacks(filter, "revision");
  const counts = new Map(groups.map(({ revision = "", count }) => [revision, count]));
  for (const revision of moreGroups === undefined ? [] : hashes) {
    if (!counts.has(revision)) counts.set(revision, (await queries.countStacks({ ...filter, revision })).total);
  }
  return counts;
}

function toSummary(
  { name, hash, firstSeenAt }: ListedRevision,
  { stacks, current }: { readonly stacks: number; readonly current: Revision | undefined },
): RevisionSummary {
  const isCurrent = current?.hash === hash;
  return {
    machine: name,
    hash,
    ...(firstSeenAt !== undefined && { firstSeenAt: toInstant(firstSeenAt) }),
    stacks,
    current: isCurrent,
  };
}

/** Returns a stored revision, or the newest one of a machine. */
async function findRevision(
  { store, locator }: RouteDeps,
  hash: string,
): Promise<KeptRevision | (Revision & { readonly firstSeenAt?: never }) | undefined> {
  const kept = await store.revisions.get(hash);
  if (kept !== undefined) return kept;
  const listed = (await locator.list()).flatMap(({ located }) => (located.kind === "found" ? [located.revision] : []));
  return listed.find((revision) => revision.hash === hash);
}

/** Returns true if the caller may see the revision. One of jobs belongs to all jobs with the same config, in whatever scope. */
async function isVisible(store: Store, { name, hash }: Revision, caller: Caller): Promise<boolean> {
  const jobs = isInternalMachine(name) ? await listJobs(store, { name, hash }, caller) : [];
  return mayReadDefinition(caller.rights, { machine: name, jobs });
}

/** Returns one job that the caller may see, if there is any, and what all ids of jobs begin with: closed jobs have no stack. */
async function listJobs({ queries }: Store, { name, hash }: Omit<Revision, "source">, caller: Caller) {
  const filter: StackFilter = { machine: name, revision: hash, ...toScopeFilter(caller, "read") };
  const { items } = await queries.listStacks(filter, { limit: 1 });
  return [...items.map(({ stack }) => stack.id), ALL_JOBS];
}

const ALL_JOBS = jobStackId({ ulid: "" });
