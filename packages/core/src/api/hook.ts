import { Type } from "typebox";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

const QueueFailure = Type.Object({
  count: Type.Integer({ minimum: 1 }),
  firstAt: Instant,
  lastAt: Instant,
  message: Type.String(),
});

/** A delivery of a code host, or of another sender of webhooks. */
export const HookDelivery = Type.Object({
  id: Type.String({ description: "The host's id of the first delivery with this body." }),
  host: Type.String(),
  receivedAt: Instant,
  what: Type.String({ description: "Such as `pull.opened`; of what is ignored the name of the event." }),
  subject: Type.Optional(Type.String({ description: "Such as `acme/shop#7`." })),
  sender: Type.Optional(Type.String()),
  outcome: Type.Optional(
    Type.Object(
      {
        kind: Type.Union([
          Type.Literal("events"),
          Type.Literal("nothing"),
          Type.Literal("waits-for-trust"),
          Type.Literal("refused"),
          Type.Literal("ignored"),
          Type.Literal("stale"),
        ]),
        reason: Type.Optional(Type.String()),
        events: Type.Optional(
          Type.Array(
            Type.Object({ id: Type.String(), stackId: Type.String(), event: Type.String(), rule: Type.String() }),
          ),
        ),
      },
      { description: "Missing: it waits in the queue, or is a dead letter there: see `queued`." },
    ),
  ),
  queued: Type.Optional(
    Type.Object(
      {
        failure: Type.Optional(QueueFailure),
        deadAt: Type.Optional(
          Type.String({ format: "date-time", description: "It is a dead letter since then, and not repeated." }),
        ),
      },
      { description: "Its item in the queue `hooks`. Missing without an outcome: it is not queued, so send it again." },
    ),
  ),
});
export type HookDelivery = View<typeof HookDelivery>;

/** An item of a queue of the yard's services. */
export const QueuedItem = Type.Object({
  queue: Type.String(),
  key: Type.String({ description: "Such as `github/<id of the delivery>`." }),
  dueAt: Instant,
  failure: Type.Optional(QueueFailure),
  deadAt: Type.Optional(
    Type.String({ format: "date-time", description: "It is a dead letter since then, and not repeated." }),
  ),
});
export type QueuedItem = View<typeof QueuedItem>;
