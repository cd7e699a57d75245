import { type Static, Type } from "typebox";
import { Instant } from "./common.ts";

const count = Type.Integer({ minimum: 0 });

/** A process that works for the yard. */
export const YardProcess = Type.Object({
  id: Type.String({ description: "Also the owner of the attempts that it runs." }),
  roles: Type.Array(
    Type.Union([
      Type.Literal("engine", { description: "It answers the API and applies events." }),
      Type.Literal("worker", { description: "It runs tasks." }),
    ]),
  ),
  version: Type.String(),
  host: Type.String(),
  pid: Type.Optional(Type.Integer()),
  url: Type.Optional(Type.String({ description: "Where its API is." })),
  executors: Type.Array(Type.String(), { description: "Whose tasks it runs." }),
  capacity: Type.Integer({ minimum: 0, description: "Tasks that it runs at the same time." }),
  running: count,
  draining: Type.Boolean({ description: "It takes nothing new, and ends when what runs has ended." }),
  startedAt: Instant,
  seenAt: Type.String({ format: "date-time", description: "Its newest heartbeat; one comes every 5 s." }),
  gone: Type.Boolean({ description: "No heartbeat for 20 s: it was killed, or cannot reach the store." }),
});
export type YardProcess = Static<typeof YardProcess>;
