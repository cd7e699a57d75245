import { defined, listPages, StackyardError } from "@stackyard/core";
import { decideAccess } from "@stackyard/core/access";
import type { StackPreview } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import {
  isInScopes,
  type Page,
  type PageInput,
  type StackFilter,
  type StoredStack,
  type UnreadableRow,
} from "@stackyard/core/engine";
import { linkPreview, type PreviewLink, type PullFault, previewLinks, pullFaults } from "@stackyard/core/services";
import type { Caller } from "../access/caller.ts";
import { withKnownOwners } from "../access/known-owners.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import { type StackReason, toStackSummary } from "../schemas/stack.ts";
import { toStackFilter } from "../schemas/stack-query.ts";
import { loadStack, unknownStack } from "./operation-routes.ts";
import { pageOfReadable } from "./readable-page.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput } from "./to-page.ts";

/** Stacks of pull requests, and their links. */
export function stackPreviewRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.listPreviews, async ({ query }, { caller }) => {
      const { host, repository, number, owner, faulty = false, cursor, limit, ...given } = query;
      const filter = { ...(await toStackFilter(given, deps.locator)), ...toScopeFilter(caller, "read") };
      const input = pageInput(defined({ cursor, limit }));
      const list = (page: PageInput) => (faulty ? listFaulty : previewLinks.list)(deps, page);
      const show = async (all: readonly PreviewLink[]) => {
        const links = all.filter((link) => isMeant(link, { host, repository, number, owner }));
        const { items, unreadable = [] } = await loadPreviews(deps, links, filter);
        const byStack = new Map(items.map((preview) => [preview.stackId, preview]));
        return { views: all.map(({ stackId }) => byStack.get(stackId)), unreadable };
      };
      const found = await pageOfReadable({ list, show }, { ...input, limit: Math.min(input.limit, MOST) });
      return reply(200, withKnownOwners(caller, found, "read"));
    }),
    serve(deps, operations.getPreview, async ({ params: { stackId } }) => {
      const link = await previewLinks.find(deps, stackId);
      const [preview] = link === undefined ? [] : (await loadPreviews(deps, [link], {})).items;
      if (preview !== undefined) return reply(200, preview);
      await loadStack(deps.store, stackId);
      throw new StackyardError("NOT_FOUND", `Stack "${stackId}" is not linked to a pull request.`);
    }),
    serve(deps, operations.linkPreview, async ({ params: { stackId }, body: pull }, { caller, audit }) => {
      checkRepository(caller, pull);
      const machine = await checkSend(deps, caller, stackId);
      const before = await previewLinks.find(deps, stackId);
      if (before !== undefined) checkRepository(caller, before);
      const by = vouch(caller, stackId, before);
      const reason = `${pull.host} ${pull.repository.fullName}#${pull.number}`;
      const link = { stackId, ...pull, machine, ...defined({ commands: before?.commands, by }) };
      await audit({ on: { stackId }, reason }, () => linkPreview(deps, link));
      return reply(200, { stackId, pull });
    }),
  ];
}

const MOST = 100;

async function listFaulty(deps: RouteDeps, input: PageInput): Promise<Page<PreviewLink>> {
  const { items, ...rest } = await pullFaults.list(deps, input);
  const links = await Promise.all(items.map(({ stackId }) => previewLinks.find(deps, stackId)));
  return { items: links.filter((link) => link !== undefined), ...rest };
}

interface Wanted {
  readonly host: string | undefined;
  readonly repository: string | undefined;
  readonly number: number | undefined;
  readonly owner: string | undefined;
}

function isMeant(link: PreviewLink, { host, repository, number, owner }: Wanted): boolean {
  const { id, fullName } = link.repository;
  const isOfRepository = repository === undefined || repository === id || repository === fullName;
  const wanted = [
    [host, link.host],
    [number, link.number],
    [owner, link.owner],
  ];
  return isOfRepository && wanted.every(([given, own]) => given === undefined || given === own);
}

/**
 * Returns the previews of links with existing stacks that match the filter, in the order of the links; and those of stacks
 * that do not exist because the yard has refused their events.
 */
async function loadPreviews(
  deps: RouteDeps,
  links: readonly PreviewLink[],
  filter: StackFilter,
): Promise<Page<StackPreview>> {
  const { store, explainer } = deps;
  const ids = links.map(({ stackId }) => stackId);
  const found = new Map<string, StackPreview>();
  const byId = new Map(links.map((link) => [link.stackId, link]));
  const damaged: UnreadableRow[] = [];
  if (ids.length === 0) return { items: [] };
  const faults = await loadFaults(deps, ids);
  for await (const page of listPages((start) =>
    store.queries.listStacks({ ...filter, ids }, { limit: MOST, ...start }),
  )) {
    damaged.push(...(page.unreadable ?? []));
    const reasons = await explainer.explainAll(page.items);
    for (const [index, item] of page.items.entries()) {
      const link = byId.get(item.stack.id);
      if (link === undefined) continue;
      found.set(link.stackId, toPreview(link, item, { reason: reasons[index], fault: faults.get(link.stackId) }));
    }
  }
  const rest = links.filter(({ stackId }) => faults.get(stackId)?.kind === "refused" && !found.has(stackId));
  for (const link of await listAbsent(deps, rest, filter)) {
    found.set(link.stackId, toAbsent(link, faults.get(link.stackId)));
  }
  return { items: ids.flatMap((id) => found.get(id) ?? []), unreadable: damaged };
}

async function loadFaults(deps: RouteDeps, stackIds: readonly string[]): Promise<ReadonlyMap<string, PullFault>> {
  const found = await Promise.all(stackIds.map((id) => pullFaults.find(deps, id)));
  return new Map(found.flatMap((fault) => (fault === undefined ? [] : [[fault.stackId, fault] as const])));
}

/** Returns the links whose stacks do not exist, if the filter is not about stacks. */
async function listAbsent(
  { store }: RouteDeps,
  links: readonly PreviewLink[],
  filter: StackFilter,
): Promise<readonly PreviewLink[]> {
  const shown = isAboutStacks(filter) ? [] : links.filter((link) => mayShow(link, filter));
  const loaded = await store.load(shown.map(({ stackId }) => stackId));
  const present = new Set(loaded.flatMap(({ stackId, stack }) => (stack === undefined ? [] : [stackId])));
  return shown.filter(({ stackId }) => !present.has(stackId));
}

/** Returns true for a filter that only stacks can match. */
function isAboutStacks({ machine: _, scopes: __, ids: ___, jobs, ...others }: StackFilter): boolean {
  return jobs === true || Object.values(others).some((value) => value !== undefined);
}

function mayShow({ stackId, machine = "" }: PreviewLink, filter: StackFilter): boolean {
  return isInScopes(filter.scopes, stackId, machine) && (filter.machine ?? machine) === machine;
}

function toAbsent(
  { stackId, commands = {}, by: _by, machine = "", ...pull }: PreviewLink,
  fault: PullFault | undefined,
): StackPreview {
  return { stackId, pull, machine, commands, ...defined({ fault: toFault(fault) }) };
}

function toFault(found: PullFault | undefined): StackPreview["fault"] {
  return found && { kind: found.kind, since: toInstant(found.since), reason: found.reason };
}

function toPreview(
  { stackId, commands = {}, by: _by, machine: _of, ...pull }: PreviewLink,
  item: StoredStack,
  { reason, fault }: { readonly reason: StackReason | undefined; readonly fault: PullFault | undefined },
): StackPreview {
  const summary = toStackSummary(item, reason);
  const { machine, state, enteredAt, failed, stalled, overdue, waiting, mainCondition, metadata } = summary;
  const text = (key: string) => (typeof metadata[key] === "string" ? metadata[key] : undefined);
  const number = (key: string) => (typeof metadata[key] === "number" ? metadata[key] : undefined);
  const drifted = typeof metadata["drifted"] === "boolean" ? metadata["drifted"] : undefined;
  return {
    stackId,
    pull,
    machine,
    state,
    enteredAt,
    commands,
    ...defined({ failed, stalled, overdue, waiting, mainCondition, drifted, fault: toFault(fault) }),
    ...defined({ url: text("url"), expiresAt: text("expires_at") ?? toExpiry(number("expires_at")) }),
    ...defined({ monthlyCost: number("monthly_cost"), costActual: number("cost_actual") }),
  };
}

const LAST_INSTANT_MS = 8_640_000_000_000_000;

/** Formats milliseconds since 1970, which timers use; undefined for an invalid instant. */
function toExpiry(ms: number | undefined): string | undefined {
  return ms !== undefined && Math.abs(ms) <= LAST_INSTANT_MS ? toInstant(ms) : undefined;
}

/**
 * Returns the machine of a stack that the caller may send events to. Throws `STACK_UNKNOWN` for one that does not exist,
 * because its id may become another's, and `FORBIDDEN`.
 */
async function checkSend({ store }: RouteDeps, { rights }: Caller, stackId: string): Promise<string> {
  const [loaded] = await store.load([stackId]);
  const machine = loaded?.stack?.machine;
  const access = machine === undefined ? "absent" : decideAccess(rights, "send", { kind: "stack", stackId, machine });
  if (access === "absent" || machine === undefined) throw unknownStack(stackId);
  if (access === "allowed") return machine;
  const message = `You do not have the permission "send" for the stack "${stackId}".`;
  throw new StackyardError("FORBIDDEN", message, { details: { permission: "send" } });
}

/** Returns who vouches for a link. Throws `FORBIDDEN` for callers that would replace the link of a hook or a job. */
function vouch({ workload }: Caller, stackId: string, before: PreviewLink | undefined): PreviewLink["by"] {
  if (workload !== undefined) return "job";
  if (before?.by === undefined) return undefined;
  const message = `The stack "${stackId}" is linked by its code host or a CI job. Only these change the link.`;
  throw new StackyardError("FORBIDDEN", message);
}

/** Throws `FORBIDDEN` if a job's token is for another repository. */
function checkRepository({ workload }: Caller, { host, repository }: Pick<PreviewLink, "host" | "repository">): void {
  if (workload === undefined) return;
  const { name, repositoryId } = workload;
  if (name === host && repositoryId === repository.id) return;
  const own = repositoryId === undefined ? "no repository" : `the repository ${repositoryId} of "${name}"`;
  const message = `The token is of ${own}, not of the repository ${repository.id} of "${host}".`;
  throw new StackyardError("FORBIDDEN", message);
}
