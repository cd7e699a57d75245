import { Type } from "typebox";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

/** One kept version of a Terraform state. */
export const StateVersion = Type.Object({
  version: Type.Integer(),
  bytes: Type.Integer(),
  at: Instant,
  by: Type.String({ description: "An attempt's id or a token's name." }),
  serial: Type.Optional(Type.Integer()),
  lineage: Type.Optional(Type.String()),
  terraformVersion: Type.Optional(Type.String()),
  resources: Type.Optional(Type.Integer({ description: "Entries in the list of resources; 0 after a destroy." })),
  restoredFrom: Type.Optional(Type.Integer()),
});
export type StateVersion = View<typeof StateVersion>;

/** A Terraform state without its content. */
export const TerraformState = Type.Object({
  key: Type.String(),
  current: Type.Optional(Type.Integer({ description: "The version that counts; absent: deleted, or never written." })),
  versions: Type.Array(StateVersion, { description: "Newest first." }),
  forcedUnlocks: Type.Optional(
    Type.Array(
      Type.Object({
        at: Instant,
        by: Type.String({ description: "The name of the operator's token." }),
        lockId: Type.String(),
        lockedAt: Instant,
        holder: Type.String({ description: "An attempt's id or a token's name." }),
        who: Type.Optional(Type.String({ description: "As Terraform reports it." })),
        operation: Type.Optional(Type.String()),
      }),
      { description: "The last 20 locks that were broken by force, newest first." },
    ),
  ),
  lock: Type.Optional(
    Type.Object({
      id: Type.String(),
      at: Instant,
      holder: Type.String({ description: "An attempt's id or a token's name." }),
      binds: Type.Boolean({ description: "False: the holder's lease has ended, the next one takes the lock." }),
      who: Type.Optional(Type.String({ description: "As Terraform reports it." })),
      operation: Type.Optional(Type.String()),
    }),
  ),
});
export type TerraformState = View<typeof TerraformState>;
