import { defined, StackyardError } from "@stackyard/core";
import type { HookDelivery, QueuedItem } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import {
  createKeyedQueue,
  findQueuedItem,
  listHookDeliveries,
  listQueuedItems,
  type HookDelivery as StoredDelivery,
  type QueuedItem as StoredItem,
} from "@stackyard/core/services";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput, toPage } from "./to-page.ts";

/** Defines the routes for code hosts' deliveries and the queues of services. */
export function hookRoutes(deps: RouteDeps): readonly Route[] {
  const { records, clock } = deps;
  return [
    serve(deps, operations.listHooks, async ({ query }) => {
      const { items, ...rest } = await listHookDeliveries(deps, pageInput(query));
      const page = { items: await Promise.all(items.map((delivery) => toDelivery(deps, delivery))), ...rest };
      return reply(200, toPage(page, { toView: (delivery) => delivery, toId: ({ id }) => id }));
    }),
    serve(deps, operations.listQueue, async ({ query }) => {
      const page = await listQueuedItems(deps, pageInput(query));
      return reply(200, toPage(page, { toView: toItem, toId: ({ key }) => key }));
    }),
    serve(deps, operations.redriveQueueItem, async ({ body: { queue, key } }, { audit }) => {
      const redrive = async () => {
        const isDead = await createKeyedQueue({ records, clock, random: Math.random }, queue).redrive(key);
        if (!isDead)
          throw new StackyardError(
            "NOT_FOUND",
            `The queue "${queue}" has no dead letter "${key}". \`stackyard queue ls\` lists queues and keys.`,
          );
      };
      await audit({ on: {}, reason: `${queue} ${key}` }, redrive);
      return reply(200, { redriven: true });
    }),
  ];
}

/** Returns the delivery, without an outcome with its item in the queue: what waits there differs from what is dead. */
async function toDelivery(deps: RouteDeps, { receivedAt, ...rest }: StoredDelivery): Promise<HookDelivery> {
  const place = { queue: "hooks", key: `${rest.host}/${rest.id}` };
  const queued = rest.outcome === undefined ? await findQueuedItem(deps, place) : undefined;
  return { ...rest, receivedAt: toInstant(receivedAt), ...defined({ queued: queued && toQueueState(queued) }) };
}

function toItem({ queue, key, dueAt, ...state }: StoredItem): QueuedItem {
  return { queue, key, dueAt: toInstant(dueAt), ...toQueueState(state) };
}

function toQueueState({ failure, deadAt }: Pick<StoredItem, "failure" | "deadAt">) {
  const failed = failure && { ...failure, firstAt: toInstant(failure.firstAt), lastAt: toInstant(failure.lastAt) };
  return defined({ failure: failed, deadAt: deadAt === undefined ? undefined : toInstant(deadAt) });
}
