import { Type } from "typebox";
import { Instant } from "./event.ts";
import { pageOf } from "./page-of.ts";
import { PreviewCommand } from "./stack-preview.ts";
import type { View } from "./view.ts";

/** The remains of a removed stack. */
export const Orphan = Type.Object({
  stackId: Type.String({
    description: "Of resources that are known by their tags only: the value of the tag, which may differ from the id.",
  }),
  machine: Type.String({ description: "Empty: it is not known." }),
  since: Instant,
  count: Type.Integer({ minimum: 0 }),
  resources: Type.Array(
    Type.Object({
      name: Type.String({ description: "An ARN, an address in a Terraform state, or the key of a state." }),
      source: Type.Union([
        Type.Literal("tags"),
        Type.Literal("inventory"),
        Type.Literal("state"),
        Type.Literal("unsaved"),
      ]),
      account: Type.Optional(Type.String()),
      region: Type.Optional(Type.String()),
      state: Type.Optional(Type.String({ description: "The key of the Terraform state that contains it." })),
    }),
    { description: "At most 500." },
  ),
  down: PreviewCommand,
});
export type Orphan = View<typeof Orphan>;

/** The last search for orphans. */
export const OrphanCheck = Type.Object({
  at: Type.Optional(Type.String({ format: "date-time", description: "The last search that was complete." })),
  failures: Type.Array(Type.Object({ account: Type.String(), region: Type.String(), message: Type.String() }), {
    description: "Accounts that were not searched last time: it is not known whether they contain orphans.",
  }),
});
export type OrphanCheck = View<typeof OrphanCheck>;

/** A page of orphans, and the last search. */
export const OrphanPage = Type.Object({ ...pageOf(Orphan).properties, check: Type.Optional(OrphanCheck) });
export type OrphanPage = View<typeof OrphanPage>;
