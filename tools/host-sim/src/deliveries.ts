import { createHmac, randomUUID } from "node:crypto";
import type { Described } from "./described.ts";

/** What a receiver of webhooks gets. */
export interface SentDelivery {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Takes a delivery, and returns the status of its answer. A rejection counts as a refused connection. */
export type Receiver = (delivery: SentDelivery) => Promise<number>;

/**
 * What happens to deliveries.
 * - `lose`: the receiver is not reached; the list of deliveries says so.
 * - `vanish`: the receiver is not reached, and the list of deliveries says that it was.
 * - `double`: each is sent twice.
 * - `hold`: they wait until they are released.
 */
export type DeliveryFault = "lose" | "vanish" | "double" | "hold";

type Payload = Readonly<Record<string, unknown>>;

interface Delivery {
  readonly id: number;
  readonly guid: string;
  readonly event: string;
  readonly payload: Payload;
  readonly deliveredAt: number;
  readonly redelivery: boolean;
  readonly statusCode: number;
}

/** GitHub keeps deliveries for three days. Source: "Redelivering webhooks", GitHub Docs. */
const KEEP_MS = 3 * 86_400_000;
/** Source: "List deliveries for an app webhook", GitHub Docs. */
const MOST_PER_PAGE = 100;

/** Where deliveries go, read for each of them. */
export interface DeliverySettings {
  /** Undefined: deliveries fail. */
  receiver: Receiver | undefined;
  deliveryFault: DeliveryFault | undefined;
}

/** What deliveries are sent by. */
export interface DeliveriesInput {
  readonly secret: string;
  readonly now: () => number;
  readonly settings: Readonly<DeliverySettings>;
}

/** Deliveries of one webhook. */
export type Deliveries = ReturnType<typeof createDeliveries>;

/** Sends deliveries to a receiver, and remembers them as GitHub does. */
export function createDeliveries({ secret, now, settings }: DeliveriesInput) {
  const sent: Delivery[] = [];
  const held: { readonly guid: string; readonly event: string; readonly payload: Payload }[] = [];

  async function send(guid: string, event: string, payload: Payload, redelivery = false): Promise<void> {
    const body = JSON.stringify(payload);
    const signature = createHmac("sha256", secret).update(body).digest("hex");
    const headers = {
      "x-github-event": event,
      "x-github-delivery": guid,
      "x-hub-signature-256": `sha256=${signature}`,
    };
    const { receiver, deliveryFault } = settings;
    const deliveredAt = now();
    const isReached = receiver !== undefined && deliveryFault !== "lose" && deliveryFault !== "vanish";
    const post = async () => (isReached ? receiver({ headers, body }).catch(() => 502) : 502);
    const statusCode = deliveryFault === "vanish" ? 200 : await post();
    sent.push({ id: sent.length + 1, guid, event, payload, deliveredAt, redelivery, statusCode });
  }

  return {
    async deliver(event: string, payload: Payload): Promise<void> {
      const guid = randomUUID();
      if (settings.deliveryFault === "hold") {
        held.push({ guid, event, payload });
        return;
      }
      await send(guid, event, payload);
      if (settings.deliveryFault === "double") await send(guid, event, payload, true);
    },
    /** Sends what is held, the last first. */
    async releaseReversed(): Promise<void> {
      for (const { guid, event, payload } of held.splice(0).reverse()) await send(guid, event, payload);
    },
    async redeliver(id: number): Promise<boolean> {
      const found = sent.find((each) => each.id === id);
      if (found !== undefined) await send(found.guid, found.event, found.payload, true);
      return found !== undefined;
    },
    /** Returns a page, the newest first. `cursor` is the id of its first delivery. */
    list(perPage: number, cursor: number) {
      const kept = sent.filter((each) => each.deliveredAt > now() - KEEP_MS && each.id <= cursor).reverse();
      const page = kept.slice(0, Math.min(perPage, MOST_PER_PAGE));
      return { items: page.map(toListed), next: kept[page.length]?.id };
    },
    find(id: number): Described<"hook-delivery"> | undefined {
      const found = sent.find((each) => each.id === id);
      return found && { ...toListed(found), request: { headers: {}, payload: found.payload } };
    },
  };
}

function toListed(delivery: Delivery) {
  const { id, guid, event, payload, deliveredAt, redelivery, statusCode } = delivery;
  const action = typeof payload["action"] === "string" ? payload["action"] : null;
  const isDelivered = statusCode >= 200 && statusCode < 300;
  const delivered_at = new Date(deliveredAt).toISOString();
  // Source: "Handling failed webhook deliveries", GitHub Docs: the status of a delivery that failed is not "OK".
  const status = isDelivered ? "OK" : "failed to connect to host";
  return {
    id,
    guid,
    delivered_at,
    redelivery,
    duration: 0.1,
    status,
    status_code: statusCode,
    event,
    action,
  } satisfies Described<"hook-delivery-item">;
}
