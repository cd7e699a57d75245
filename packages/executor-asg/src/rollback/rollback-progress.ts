import { type Static, Type } from "typebox";

const Name = Type.String({ minLength: 1, maxLength: 255 });
const Names = Type.Array(Name, { maxItems: 500 });

/** How far a rollback is. JSON: it is the progress of an attempt. */
export const RollbackProgress = Type.Object(
  {
    /** `healing`: the kept groups have their traffic again. `leaving`: the others lose theirs, and are deleted. */
    phase: Type.Union([Type.Literal("healing"), Type.Literal("leaving")]),
    /** Epoch ms, of the phase. */
    beganAt: Type.Integer({ minimum: 0 }),
    /** The release that is left. */
    releaseId: Type.String({ maxLength: 256 }),
    /** The release that comes back. */
    previousReleaseId: Type.String({ maxLength: 256 }),
    /** Names of groups that come back. */
    kept: Names,
    /** Names of groups that go. */
    left: Names,
  },
  { additionalProperties: false },
);
export type RollbackProgress = Static<typeof RollbackProgress>;
