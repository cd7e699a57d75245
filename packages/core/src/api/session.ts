import { Type } from "typebox";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

/** A login that has not ended: of a browser, a command line or a workload. */
export const Session = Type.Object({
  id: Type.String(),
  kind: Type.Enum(["browser", "cli", "workload"]),
  who: Type.Object({
    kind: Type.Enum(["person", "local", "workload"]),
    id: Type.String(),
    name: Type.String(),
  }),
  groups: Type.Array(Type.String(), { description: "As at the login." }),
  client: Type.Optional(Type.String({ description: "The name that the command line gave when it asked." })),
  address: Type.Optional(Type.String({ description: "The address of the login." })),
  createdAt: Instant,
  usedAt: Type.String({ format: "date-time", description: "The last use, to 5 minutes." }),
  endsAt: Instant,
  current: Type.Boolean({ description: "True for the session that this request is made with." }),
});
export type Session = View<typeof Session>;
