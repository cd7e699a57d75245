import { defined, listPages, StackyardError } from "@stackyard/core";
import type { AccessDecision } from "@stackyard/core/access";
import type { Preview, PublishResult } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import {
  type EventHead,
  findOwnLine,
  type InputPlan,
  listParked,
  type Page,
  type PublishResult as Published,
  publishMessages,
  toEventName,
} from "@stackyard/core/engine";
import { parseEventMessage, type StackEvent } from "@stackyard/core/machine";
import type { Caller } from "../access/caller.ts";
import { checkPublished } from "../access/check-published.ts";
import { hasEverywhere } from "../access/guard.ts";
import { findNeverKnown } from "../access/never-known.ts";
import { checkDenied, decideRedrive, loadVisible, mayRead, toEventSubject, withMachine } from "../access/reach.ts";
import { HttpError } from "../http/problem.ts";
import type { Route } from "../http/route.ts";
import { reply, replyEach, serve } from "../http/serve.ts";
import { historyItem, toDeadLetter, toInstant } from "../schemas/event.ts";
import { toListedParked } from "../schemas/stack.ts";
import { maskReason } from "./mask-reason.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";
import { withdrawRoute } from "./withdraw-route.ts";

/** Defines the routes to publish events, to look one up, and for parked and dead-lettered ones. */
export function eventRoutes(deps: RouteDeps): readonly Route[] {
  const { store, clock, settings, subjects } = deps;
  const { allowExternalNext, limits } = settings;
  return [
    serve(deps, operations.publishEvents, async ({ body, query: { awaitsMs } }, { sender, caller }) => {
      const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
      if (messages.length > limits.eventsPerRequest) {
        throw new StackyardError("PAYLOAD_TOO_LARGE", `A request contains at most ${limits.eventsPerRequest} events.`);
      }
      await checkMessages(deps, caller, messages);
      const results = await publishMessages(deps, messages, {
        sender,
        allowExternalNext,
        ...defined({ awaitsMs }),
        findNeverKnown: (machine) => findNeverKnown(deps, caller, machine),
      });
      return answerPublished(results, Array.isArray(body));
    }),
    serve(deps, operations.listEventHistory, async ({ params, query }, { caller }) => {
      const page = await loadVisible(caller, pageInput(query), {
        load: (input) => store.queries.listHistory(params, input),
        toSubject: (line) => subjects.ofLine(caller.rights, line),
      });
      return reply(200, toPage(page, historyItem));
    }),
    serve(deps, operations.listParked, async ({ query: { stackId, event: name, code, ...query } }, { caller }) => {
      const filter = defined({ stackId, code });
      const page = await loadVisible(caller, pageInput(query), {
        load: async (input) => keepNamed(await listParked(store, filter, input), name, ({ parked }) => parked.event),
        toSubject: ({ parked }) => toEventSubject(parked.event),
      });
      return reply(200, toPage(page, { toView: toListedParked, toId: ({ parked }) => parked.event.id }));
    }),
    serve(deps, operations.listDeadLetters, async ({ query: { stackId, event: name, code, ...query } }, { caller }) => {
      const filter = defined({ stackId, code });
      const page = await loadVisible(caller, pageInput(query), {
        load: async (input) =>
          keepNamed(await store.queries.listDeadLetters(filter, input), name, ({ event }) => event),
        toSubject: ({ event }) => toEventSubject(event),
      });
      return reply(200, toPage(page, { toView: toDeadLetter, toId: ({ id }) => id }));
    }),
    serve(deps, operations.redriveEvents, async ({ body: { ids } }, { caller, audit }) => {
      const known = await findRepairable(deps, { caller, ids });
      const redrive = () => store.queries.redrive(known, clock.now());
      const redriven = known.length === 0 ? [] : await audit({ on: {}, reason: known.join(" ") }, redrive);
      return replyEach({ redriven, unknown: ids.filter((id) => !redriven.includes(id)) });
    }),
    serve(deps, operations.dismissEvents, async ({ body }, { caller, audit }) => {
      const known = await findRepairable(deps, { caller, ids: body.ids });
      const reason = await maskReason(store, `${body.reason} (${known.join(" ")})`, { deadLetters: known });
      const dismiss = () => store.queries.dismiss(known, clock.now());
      const dismissed = known.length === 0 ? [] : await audit({ on: {}, reason }, dismiss);
      return replyEach({ dismissed, unknown: body.ids.filter((id) => !dismissed.includes(id)) });
    }),
    withdrawRoute(deps),
  ];
}

async function checkMessages(deps: RouteDeps, caller: Caller, messages: readonly unknown[]): Promise<void> {
  const events = messages.map((message) => {
    const parsed = parseMessage(message, deps);
    return parsed.kind === "event" ? parsed.event : undefined;
  });
  await checkPublished(deps, caller, events);
}

/** A sender that reads the status only must not take a refused event for an accepted one. */
function answerPublished(results: readonly Published[], isList: boolean) {
  const refused = results.find((result) => result.kind === "invalid");
  if (refused !== undefined && !isList) {
    if (refused.code === "MACHINE_UNKNOWN") throw new StackyardError(refused.code, refused.reason);
    throw new HttpError(400, "EVENT_INVALID", refused.reason, { details: { code: refused.code } });
  }
  return reply(refused === undefined ? 202 : 207, { results: results.map(toPublishResult) });
}

function toPublishResult(result: Published): PublishResult {
  if (result.kind !== "duplicate") return result;
  const { usedFor, ...rest } = result;
  return usedFor === undefined ? rest : { ...rest, usedFor: { ...usedFor, at: toInstant(usedFor.at) } };
}

/** Keeps the items of a page that are about events of that name. */
function keepNamed<Item>(page: Page<Item>, name: string | undefined, toEvent: (item: Item) => EventHead): Page<Item> {
  if (name === undefined) return page;
  return { ...page, items: page.items.filter((item) => toEventName(toEvent(item).message) === name) };
}

/** Returns the ids of dead letters that the caller may read. Throws `FORBIDDEN` when it may not repair one of them. */
async function findRepairable(
  { store, guard }: RouteDeps,
  { caller, ids }: { readonly caller: Caller; readonly ids: readonly string[] },
): Promise<readonly string[]> {
  if (hasEverywhere(caller.rights, "repair")) return ids;
  const wanted = new Set(ids);
  const found = new Map<string, AccessDecision>();
  for await (const { items } of listPages((start) => store.queries.listDeadLetters({}, { limit: 1_000, ...start }))) {
    for (const { id, event } of items) {
      if (!wanted.has(id)) continue;
      found.set(id, await decideRedrive(guard, caller, event));
    }
    if (found.size === wanted.size) break;
  }
  checkDenied(
    ids.flatMap((id, index) => (found.get(id) === "forbidden" ? [{ index, permission: "repair" as const }] : [])),
  );
  return ids.filter((id) => found.get(id) === "allowed");
}

/** Defines the route that simulates an event on a stack in its present state. */
export function previewRoutes(deps: RouteDeps): readonly Route[] {
  return [
    serve(deps, operations.previewEvent, async ({ params: { stackId }, body }, { caller }) =>
      reply(200, await preview(deps, { ...body, stackId }, caller)),
    ),
  ];
}

async function preview(deps: RouteDeps, message: { readonly stackId: string }, caller: Caller): Promise<Preview> {
  const { sender, rights } = caller;
  const event = parseEvent(message, deps);
  const { stackId } = event;
  const isHidden =
    !hasEverywhere(rights, "read") &&
    !mayRead(caller, withMachine(await deps.guard.findStack(rights, stackId), event.machine));
  const loaded = (await deps.store.load([stackId]))[0] ?? { stackId, version: 0, parked: [] };
  if (isHidden || (loaded.stack === undefined && event.machine === undefined)) {
    throw new StackyardError(
      "STACK_UNKNOWN",
      `Stack "${stackId}" does not exist. Pass its machine to preview a new stack.`,
    );
  }
  const { id, at: receivedAt } = event;
  const queued = { id, stackId, origin: "external", receivedAt, message: { ...message }, sender } as const;
  return toPreview(id, await deps.planner.preview(loaded, queued));
}

function parseMessage(message: unknown, { clock, ids, settings: { allowExternalNext } }: RouteDeps) {
  return parseEventMessage(message, { at: clock.now(), messageId: ids.next(), allowExternalNext });
}

function parseEvent(message: object, deps: RouteDeps): StackEvent {
  const parsed = parseMessage(message, deps);
  if (parsed.kind === "event") return parsed.event;
  throw new HttpError(400, "EVENT_INVALID", parsed.reason);
}

/** Converts a plan to a preview: the event's own history line, and what follows from it. */
function toPreview(eventId: string, { change, events, follows, stack, digest }: InputPlan): Preview {
  const own = findOwnLine(change, eventId);
  const before = defined({ from: own?.from });
  const notes = own?.notes ?? [];
  if (own?.outcome !== "applied" && own?.outcome !== "removed") {
    const outcome = own?.outcome === "ignored" ? "ignored" : "refused";
    const why = own?.code === undefined ? {} : { code: own.code, reason: own.reason ?? "" };
    return { outcome, ...why, ...before, sent: [], notes: [...notes], events: [], digest };
  }
  return {
    outcome: stack === undefined ? "removed" : "applied",
    ...before,
    ...defined({ to: stack?.state ?? own.to }),
    sent: events.flatMap(({ sent }) => sent),
    notes: [...notes],
    events: [...follows],
    digest,
  };
}
