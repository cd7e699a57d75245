import { Type } from "typebox";
import { ActorId, Instant } from "./event.ts";
import type { View } from "./view.ts";

/** One kept version of a Terraform state. */
export const StateVersion = Type.Object({
  version: Type.Integer(),
  bytes: Type.Integer(),
  at: Instant,
  by: Type.String({ description: "An attempt's id, or the name of a person or token." }),
  byId: Type.Optional(ActorId),
  serial: Type.Optional(Type.Integer()),
  lineage: Type.Optional(Type.String()),
  terraformVersion: Type.Optional(Type.String()),
  resources: Type.Optional(Type.Integer({ description: "Entries in the list of resources; 0 after a destroy." })),
  restoredFrom: Type.Optional(Type.Integer()),
});
export type StateVersion = View<typeof StateVersion>;

/** A run of Terraform that changes a state and has not saved it, or is not known to have. */
export const UnsavedRun = Type.Object({
  id: Type.String({ description: "Among the runs of the state." }),
  state: Type.String({ description: "The key of the state." }),
  stackId: Type.String(),
  machine: Type.String(),
  attemptId: Type.String(),
  action: Type.String({ description: "`apply` or `destroy`." }),
  host: Type.String(),
  at: Type.String({ format: "date-time", description: "When it began." }),
  place: Type.Optional(Type.String({ description: "Where the state is." })),
  left: Type.Optional(
    Type.Object(
      {
        file: Type.Optional(Type.String({ description: "The unsaved state on that host. Absent: it was killed." })),
        isKept: Type.Boolean({ description: "True: the yard has the unsaved state too, and it can be pushed." }),
        count: Type.Integer({ minimum: 0 }),
        resources: Type.Array(
          Type.Object({
            address: Type.String(),
            arn: Type.Optional(Type.String()),
            id: Type.Optional(Type.String()),
          }),
          { description: "Those that fit into a record." },
        ),
      },
      { description: "What is in no saved state. Absent: the run works, or has not reported its end." },
    ),
  ),
  pushed: Type.Optional(Type.Object({ at: Instant, by: Type.String(), byId: Type.Optional(ActorId) })),
  description: Type.String({ description: "What it may have left and what to do, for people." }),
});
export type UnsavedRun = View<typeof UnsavedRun>;

/** A Terraform state without its content. */
export const TerraformState = Type.Object({
  key: Type.String(),
  current: Type.Optional(Type.Integer({ description: "The version that counts; absent: deleted, or never written." })),
  versions: Type.Array(StateVersion, { description: "Newest first." }),
  forcedUnlocks: Type.Optional(
    Type.Array(
      Type.Object({
        at: Instant,
        by: Type.String({ description: "The name of the person or token." }),
        byId: Type.Optional(ActorId),
        lockId: Type.String(),
        lockedAt: Instant,
        holder: Type.String({ description: "An attempt's id, or the name of a person or token." }),
        holderId: Type.Optional(ActorId),
        who: Type.Optional(Type.String({ description: "As Terraform reports it." })),
        operation: Type.Optional(Type.String()),
      }),
      { description: "The last 20 locks that were broken by force, newest first." },
    ),
  ),
  unsaved: Type.Optional(
    Type.Array(UnsavedRun, { description: "Of one state, not of a list: runs that have not saved it." }),
  ),
  lock: Type.Optional(
    Type.Object({
      id: Type.String(),
      at: Instant,
      holder: Type.String({ description: "An attempt's id, or the name of a person or token." }),
      holderId: Type.Optional(ActorId),
      binds: Type.Boolean({ description: "False: the holder's lease has ended, the next one takes the lock." }),
      who: Type.Optional(Type.String({ description: "As Terraform reports it." })),
      operation: Type.Optional(Type.String()),
    }),
  ),
});
export type TerraformState = View<typeof TerraformState>;
