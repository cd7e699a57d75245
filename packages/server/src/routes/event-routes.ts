import { defined, listPages, StackyardError } from "@stackyard/core";
import type { AccessDecision } from "@stackyard/core/access";
import { DeadLetter, HistoryEntry, ListedParkedEvent, Preview, type PublishResult } from "@stackyard/core/api";
import {
  type Change,
  type EventHead,
  listParked,
  type Page,
  type PublishResult as Published,
  publishMessages,
  toEventName,
} from "@stackyard/core/engine";
import { parseEventMessage, type StackEvent } from "@stackyard/core/machine";
import { Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import { checkPublished } from "../access/check-published.ts";
import { hasEverywhere } from "../access/guard.ts";
import { checkDenied, decideRedrive, loadVisible, mayRead, toEventSubject, withMachine } from "../access/reach.ts";
import { HttpError } from "../http/problem.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import {
  EventBody,
  EventId,
  historyItem,
  PublishAnswer,
  PublishBody,
  pageOf,
  pageQuery,
  StackId,
  toDeadLetter,
  toInstant,
} from "../schemas/event.ts";
import { toListedParked } from "../schemas/stack.ts";
import { maskReason } from "./mask-reason.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";
import { withdrawRoute } from "./withdraw-route.ts";

/** Defines the routes to publish events, to look one up, and for parked and dead-lettered ones. */
export function eventRoutes(deps: RouteDeps): readonly Route[] {
  return [
    publishRoute(deps),
    eventRoute(deps),
    parkedRoute(deps),
    deadLetterRoute(deps),
    redriveRoute(deps),
    dismissRoute(deps),
    withdrawRoute(deps),
  ];
}

const publishAnswers = {
  202: { description: "Each accepted event is stored, and is applied later.", schema: PublishAnswer },
};

function publishRoute(deps: RouteDeps): Route {
  const { allowExternalNext, limits } = deps.settings;
  return defineRoute("POST", "/v1/events", {
    operationId: "publishEvents",
    permission: "send",
    subject: "items",
    tag: "events",
    summary: "Publish one event, or many in one commit. For an id that the stack knows, the result is `duplicate`.",
    body: PublishBody,
    describedBody: Type.Union([EventBody, Type.Array(EventBody, { minItems: 1 })]),
    answers: publishAnswers,
    async handle({ body }, { sender, caller }) {
      const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
      if (messages.length > limits.eventsPerRequest) {
        throw new StackyardError("PAYLOAD_TOO_LARGE", `A request contains at most ${limits.eventsPerRequest} events.`);
      }
      await checkMessages(deps, caller, messages);
      const results = await publishMessages(deps, messages, { sender, allowExternalNext });
      return json(202, { results: results.map(toPublishResult) });
    },
  });
}

async function checkMessages(deps: RouteDeps, caller: Caller, messages: readonly unknown[]): Promise<void> {
  const events = messages.map((message) => {
    const parsed = parseMessage(message, deps);
    return parsed.kind === "event" ? parsed.event : undefined;
  });
  await checkPublished(deps, caller, events);
}

function toPublishResult(result: Published): PublishResult {
  if (result.kind !== "duplicate") return result;
  const { usedFor, ...rest } = result;
  return usedFor === undefined ? rest : { ...rest, usedFor: { ...usedFor, at: toInstant(usedFor.at) } };
}

function eventRoute({ store, subjects }: RouteDeps): Route {
  return defineRoute("GET", "/v1/events/:eventId/history", {
    operationId: "listEventHistory",
    permission: "read",
    subject: "list",
    tag: "events",
    summary: "List the outcomes of an event, oldest first. Empty if the event is unknown or not decided yet.",
    params: { eventId: EventId },
    query: pageQuery,
    answers: { 200: { description: "A page.", schema: pageOf(HistoryEntry) } },
    async handle({ params, query }, { caller }) {
      const page = await loadVisible(caller, pageInput(query), {
        load: (input) => store.queries.listHistory(params, input),
        toSubject: (line) => subjects.ofLine(caller.rights, line),
      });
      return json(200, toPage(page, historyItem));
    },
  });
}

const troubleQuery = {
  stackId: Type.Optional(StackId),
  event: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: "The name of the event." })),
  code: Type.Optional(Type.String({ maxLength: 64 })),
  ...pageQuery,
};

/** Keeps the items of a page that are about events of that name. */
function keepNamed<Item>(page: Page<Item>, name: string | undefined, toEvent: (item: Item) => EventHead): Page<Item> {
  if (name === undefined) return page;
  return { ...page, items: page.items.filter((item) => toEventName(toEvent(item).message) === name) };
}

function parkedRoute({ store }: RouteDeps): Route {
  return defineRoute("GET", "/v1/parked", {
    operationId: "listParked",
    permission: "read",
    subject: "list",
    tag: "events",
    summary: "List parked events, ordered by stack id, those of one stack oldest first.",
    query: troubleQuery,
    answers: { 200: { description: "A page; it may be short and have a cursor.", schema: pageOf(ListedParkedEvent) } },
    async handle({ query: { stackId, event: name, code, ...query } }, { caller }) {
      const filter = defined({ stackId, code });
      const page = await loadVisible(caller, pageInput(query), {
        load: async (input) => keepNamed(await listParked(store, filter, input), name, ({ parked }) => parked.event),
        toSubject: ({ parked }) => toEventSubject(parked.event),
      });
      return json(200, toPage(page, { toView: toListedParked, toId: ({ parked }) => parked.event.id }));
    },
  });
}

function deadLetterRoute({ store }: RouteDeps): Route {
  return defineRoute("GET", "/v1/dead-letters", {
    operationId: "listDeadLetters",
    permission: "read",
    subject: "list",
    tag: "events",
    summary: "List dead letters, newest first.",
    query: troubleQuery,
    answers: { 200: { description: "A page; it may be short and have a cursor.", schema: pageOf(DeadLetter) } },
    async handle({ query: { stackId, event: name, code, ...query } }, { caller }) {
      const filter = defined({ stackId, code });
      const page = await loadVisible(caller, pageInput(query), {
        load: async (input) =>
          keepNamed(await store.queries.listDeadLetters(filter, input), name, ({ event }) => event),
        toSubject: ({ event }) => toEventSubject(event),
      });
      return json(200, toPage(page, { toView: toDeadLetter, toId: ({ id }) => id }));
    },
  });
}

const ids = Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { minItems: 1, maxItems: 100 });

function redriveRoute(deps: RouteDeps): Route {
  const { store, clock, audit } = deps;
  const answer = Type.Object({ redriven: Type.Array(Type.String()), unknown: Type.Array(Type.String()) });
  return defineRoute("POST", "/v1/dead-letters/redrive", {
    operationId: "redriveEvents",
    permission: "repair",
    subject: "list",
    audited: true,
    tag: "events",
    summary: "Send dead letters again with their own ids.",
    body: Type.Object({ ids }),
    answers: { 200: { description: "The ids that were found, and those that were not.", schema: answer } },
    async handle({ body }, { caller, sender }) {
      const known = await findRepairable(deps, { caller, ids: body.ids });
      const action = { action: "redriveEvents", who: sender, via: "api", on: {}, reason: known.join(" ") };
      const redrive = () => store.queries.redrive(known, clock.now());
      const redriven = known.length === 0 ? [] : await audit.run(action, redrive);
      return json(200, { redriven, unknown: body.ids.filter((id) => !redriven.includes(id)) });
    },
  });
}

function dismissRoute(deps: RouteDeps): Route {
  const { store, clock, audit } = deps;
  const answer = Type.Object({ dismissed: Type.Array(Type.String()), unknown: Type.Array(Type.String()) });
  return defineRoute("POST", "/v1/dead-letters/dismiss", {
    operationId: "dismissEvents",
    permission: "repair",
    subject: "list",
    audited: true,
    tag: "events",
    summary: "Remove dead letters that need not be sent again.",
    body: Type.Object({ ids, reason: Type.String({ minLength: 1, maxLength: 4_096 }) }),
    answers: { 200: { description: "The ids that were found, and those that were not.", schema: answer } },
    async handle({ body }, { caller, sender }) {
      const known = await findRepairable(deps, { caller, ids: body.ids });
      const reason = await maskReason(store, `${body.reason} (${known.join(" ")})`, { deadLetters: known });
      const action = { action: "dismissEvents", who: sender, via: "api", on: {}, reason };
      const dismiss = () => store.queries.dismiss(known, clock.now());
      const dismissed = known.length === 0 ? [] : await audit.run(action, dismiss);
      return json(200, { dismissed, unknown: body.ids.filter((id) => !dismissed.includes(id)) });
    },
  });
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
    defineRoute("POST", "/v1/stacks/:stackId/simulate", {
      operationId: "previewEvent",
      permission: "read",
      subject: "items",
      tag: "machines",
      summary: "What an event would do to the stack in its current state. Changes nothing.",
      params: { stackId: StackId },
      body: Type.Object({}),
      // The stack id of the path counts.
      describedBody: Type.Omit(EventBody, ["stackId"]),
      answers: {
        200: {
          description: "The engine's decision; a refusal when the machine is missing.",
          schema: Preview,
        },
        400: { description: "EVENT_INVALID" },
        404: { description: "STACK_UNKNOWN for an event without a machine." },
      },
      async handle({ params: { stackId }, body }, { caller }) {
        return json(200, await preview(deps, { ...body, stackId }, caller));
      },
    }),
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

/** Converts a change to a preview: the event's own history line, and what parked events do afterwards. */
function toPreview(eventId: string, { history, dispatches, write }: Change): Preview {
  const own = history.find((line) => line.internal !== true && line.eventId === eventId);
  const before = defined({ from: own?.from });
  const notes = own?.notes ?? [];
  if (own?.outcome !== "applied" && own?.outcome !== "removed") {
    const outcome = own?.outcome === "ignored" ? "ignored" : "refused";
    const why = own?.code === undefined ? {} : { code: own.code, reason: own.reason ?? "" };
    return { outcome, ...why, ...before, sent: [], notes: [...notes] };
  }
  const to = write.kind === "put" ? write.stack.state : own.to;
  const parked = history.filter((line) => line !== own && (line.outcome === "applied" || line.outcome === "removed"));
  return {
    outcome: write.kind === "remove" ? "removed" : "applied",
    ...before,
    ...defined({ to }),
    sent: dispatches.map(({ task }) => task),
    notes: [...notes, ...parked.map(({ event }) => `The parked event "${event}" would be applied after it.`)],
  };
}
