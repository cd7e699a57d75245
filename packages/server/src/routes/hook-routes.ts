import { defined } from "@stackyard/core";
import { HookDelivery, QueuedItem } from "@stackyard/core/api";
import {
  createKeyedQueue,
  listHookDeliveries,
  listQueuedItems,
  type HookDelivery as StoredDelivery,
  type QueuedItem as StoredItem,
} from "@stackyard/core/services";
import { Type } from "typebox";
import { defineRoute, json, type Route } from "../http/route.ts";
import { pageOf, pageQuery, toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Defines the routes for code hosts' deliveries and the queues of services. */
export function hookRoutes(deps: RouteDeps): readonly Route[] {
  return [deliveriesRoute(deps), queueRoute(deps), redriveRoute(deps)];
}

function deliveriesRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/hooks", {
    operationId: "listHooks",
    permission: "read",
    subject: "yard",
    tag: "events",
    summary: "List deliveries of code hosts of the last 14 days, newest first, with what came of them.",
    query: pageQuery,
    answers: { 200: { description: "A page.", schema: pageOf(HookDelivery) } },
    async handle({ query }) {
      const page = await listHookDeliveries(deps, pageInput(query));
      return json(200, toPage(page, { toView: toDelivery, toId: ({ id }) => id }));
    },
  });
}

function toDelivery({ receivedAt, ...rest }: StoredDelivery): HookDelivery {
  return { ...rest, receivedAt: toInstant(receivedAt) };
}

function queueRoute(deps: RouteDeps): Route {
  return defineRoute("GET", "/v1/queue", {
    operationId: "listQueue",
    permission: "read",
    subject: "yard",
    tag: "events",
    summary: "List what waits in the queues of services, and their dead letters, by queue.",
    query: pageQuery,
    answers: { 200: { description: "A page.", schema: pageOf(QueuedItem) } },
    async handle({ query }) {
      const page = await listQueuedItems(deps, pageInput(query));
      return json(200, toPage(page, { toView: toItem, toId: ({ key }) => key }));
    },
  });
}

function toItem({ queue, key, dueAt, failure, deadAt }: StoredItem): QueuedItem {
  const failed = failure && { ...failure, firstAt: toInstant(failure.firstAt), lastAt: toInstant(failure.lastAt) };
  const dead = deadAt === undefined ? undefined : toInstant(deadAt);
  return { queue, key, dueAt: toInstant(dueAt), ...defined({ failure: failed, deadAt: dead }) };
}

function redriveRoute({ records, clock, audit }: RouteDeps): Route {
  return defineRoute("POST", "/v1/queue/redrive", {
    operationId: "redriveQueueItem",
    permission: "repair",
    subject: "yard",
    audited: true,
    tag: "events",
    summary: "Repeat the work on a dead letter of a queue.",
    body: Type.Object(
      {
        queue: Type.String({ pattern: "^[a-z][a-z0-9-]{0,63}$" }),
        key: Type.String({ minLength: 1, maxLength: 1_024 }),
      },
      { additionalProperties: false },
    ),
    answers: {
      200: {
        description: "False: the queue has no dead letter under this key.",
        schema: Type.Object({ redriven: Type.Boolean() }),
      },
    },
    async handle({ body: { queue, key } }, { sender }) {
      const action = { action: "redriveQueueItem", who: sender, via: "api", on: {}, reason: `${queue} ${key}` };
      const redrive = () => createKeyedQueue({ records, clock, random: Math.random }, queue).redrive(key);
      return json(200, { redriven: await audit.run(action, redrive) });
    },
  });
}
