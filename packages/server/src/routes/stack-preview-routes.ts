import { defined, listPages, StackyardError } from "@stackyard/core";
import { decideAccess } from "@stackyard/core/access";
import { PreviewPull, type StackPreview, StackPreview as StackPreviewSchema } from "@stackyard/core/api";
import type { Page, PageInput, StackFilter, StoredStack, UnreadableRow } from "@stackyard/core/engine";
import {
  findPreviewLink,
  findUnreadablePull,
  linkPreview,
  listPreviewLinks,
  listUnreadablePulls,
  type PreviewLink,
  type UnreadablePull,
} from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import { withKnownOwners } from "../access/known-owners.ts";
import { toScopeFilter } from "../access/stack-scopes.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, pageQuery, StackId, toInstant } from "../schemas/event.ts";
import { type StackReason, toStackSummary } from "../schemas/stack.ts";
import { stackFilterQuery, toStackFilter } from "../schemas/stack-query.ts";
import { loadStack, unknownStack } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput } from "./to-page.ts";

/** Stacks of pull requests, and their links. */
export function stackPreviewRoutes(deps: RouteDeps): readonly Route[] {
  return [listRoute(deps), previewRoute(deps), linkRoute(deps)];
}

const MOST = 100;
const Text = Type.Optional(Type.String({ minLength: 1, maxLength: 1_024 }));
const { ids: _, ...stackQuery } = stackFilterQuery;
const pullQuery = {
  host: Text,
  repository: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1_024, description: "Its name, such as `acme/shop`, or its number." }),
  ),
  number: Type.Optional(Type.Integer({ minimum: 1, description: "Of the pull request." })),
  owner: Text,
};
const unreadableQuery = {
  unreadable: Type.Optional(
    Type.Boolean({ description: "True: only those whose pull request the code host does not show any more." }),
  ),
};
type PullQuery = Static<ReturnType<typeof Type.Object<typeof pullQuery>>>;

function listRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/previews", {
    operationId: "listPreviews",
    permission: "read",
    subject: "list",
    tag: "previews",
    summary: "List stacks of pull requests by id, at most 100 a page. A page may be empty and have a cursor.",
    query: { ...pullQuery, ...unreadableQuery, ...stackQuery, ...pageQuery },
    answers: { 200: { description: "A page.", schema: pageOf(StackPreviewSchema) } },
    async handle({ query }, { caller }) {
      const { host, repository, number, owner, unreadable = false, cursor, limit, ...given } = query;
      const filter = { ...(await toStackFilter(given, deps.locator)), ...toScopeFilter(caller, "read") };
      const input = pageInput(defined({ cursor, limit }));
      const list = unreadable ? listUnreadable : listPreviewLinks;
      const page = await list(deps, { ...input, limit: Math.min(input.limit, MOST) });
      const links = page.items.filter((link) => isMeant(link, { host, repository, number, owner }));
      const { items, unreadable: stacks = [] } = await loadPreviews(deps, links, filter);
      const damaged = [...(page.unreadable ?? []), ...stacks];
      const found = { items, ...defined({ cursor: page.cursor }), ...(damaged.length > 0 && { unreadable: damaged }) };
      return json(200, withKnownOwners(caller, found, "read"));
    },
  });
}

async function listUnreadable(deps: RouteDeps, input: PageInput): Promise<Page<PreviewLink>> {
  const { items, ...rest } = await listUnreadablePulls(deps, input);
  const links = await Promise.all(items.map(({ stackId }) => findPreviewLink(deps, stackId)));
  return { items: links.filter((link) => link !== undefined), ...rest };
}

type Wanted = { readonly [Key in keyof PullQuery]: PullQuery[Key] | undefined };

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

/** Returns the previews of links with existing stacks that match the filter, in the order of the links. */
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
  for await (const page of listPages((start) =>
    store.queries.listStacks({ ...filter, ids }, { limit: MOST, ...start }),
  )) {
    damaged.push(...(page.unreadable ?? []));
    const reasons = await explainer.explainAll(page.items);
    for (const [index, item] of page.items.entries()) {
      const link = byId.get(item.stack.id);
      if (link === undefined) continue;
      const unreadable = toUnreadable(await findUnreadablePull(deps, link.stackId));
      found.set(link.stackId, { ...toPreview(link, item, reasons[index]), ...defined({ unreadable }) });
    }
  }
  return { items: ids.flatMap((id) => found.get(id) ?? []), unreadable: damaged };
}

function toUnreadable(found: UnreadablePull | undefined): StackPreview["unreadable"] {
  return found && { since: toInstant(found.since), reason: found.reason };
}

function toPreview(
  { stackId, commands = {}, by: _by, machine: _of, ...pull }: PreviewLink,
  item: StoredStack,
  reason: StackReason | undefined,
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
    ...defined({ failed, stalled, overdue, waiting, mainCondition, drifted }),
    ...defined({ url: text("url"), expiresAt: text("expires_at") ?? toExpiry(number("expires_at")) }),
    ...defined({ monthlyCost: number("monthly_cost"), costActual: number("cost_actual") }),
  };
}

const LAST_INSTANT_MS = 8_640_000_000_000_000;

/** Formats milliseconds since 1970, which timers use; undefined for an invalid instant. */
function toExpiry(ms: number | undefined): string | undefined {
  return ms !== undefined && Math.abs(ms) <= LAST_INSTANT_MS ? toInstant(ms) : undefined;
}

function previewRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/previews/:stackId", {
    operationId: "getPreview",
    permission: "read",
    subject: "stack",
    tag: "previews",
    summary: "Get the pull request of a stack, and what the stack costs and waits for.",
    params: { stackId: StackId },
    answers: {
      200: { description: "The preview.", schema: StackPreviewSchema },
      404: { description: "STACK_UNKNOWN: the stack does not exist. NOT_FOUND: it is of no pull request." },
    },
    async handle({ params: { stackId } }) {
      const { store } = deps;
      const link = await findPreviewLink(deps, stackId);
      const [preview] = link === undefined ? [] : (await loadPreviews(deps, [link], {})).items;
      if (preview !== undefined) return json(200, preview);
      await loadStack(store, stackId);
      throw new StackyardError("NOT_FOUND", `Stack "${stackId}" is not linked to a pull request.`);
    },
  });
}

function linkRoute(deps: RouteDeps): Route {
  return defineRoute("PUT", "/v1/previews/:stackId/link", {
    operationId: "linkPreview",
    permission: "send",
    subject: "items",
    audited: true,
    tag: "previews",
    summary:
      "Link a stack to its pull request. A job of a CI may name only its own repository. Links of other callers are not reported to the code host.",
    params: { stackId: StackId },
    body: Type.Object(PreviewPull.properties, { additionalProperties: false }),
    answers: {
      200: { description: "It is linked.", schema: Type.Object({ stackId: Type.String(), pull: PreviewPull }) },
      403: {
        description:
          "FORBIDDEN: the permission `send` is missing, the repository is another one, or a hook or a job has linked the stack and the caller is not a job.",
      },
      404: { description: "STACK_UNKNOWN: the stack does not exist, or the caller cannot read it." },
    },
    async handle({ params: { stackId }, body: pull }, { caller, sender }) {
      checkRepository(caller, pull);
      const machine = await checkSend(deps, caller, stackId);
      const before = await findPreviewLink(deps, stackId);
      if (before !== undefined) checkRepository(caller, before);
      const by = vouch(caller, stackId, before);
      const reason = `${pull.host} ${pull.repository.fullName}#${pull.number}`;
      const action = { action: "linkPreview", who: sender, via: "api", on: { stackId }, reason };
      const link = { stackId, ...pull, machine, ...defined({ commands: before?.commands, by }) };
      await deps.audit.run(action, () => linkPreview(deps, link));
      return json(200, { stackId, pull });
    },
  });
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
