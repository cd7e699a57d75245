import { StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

/** Who holds a lock: an attempt as long as its lease lives, an operator until somebody unlocks. */
const LockHolder = Type.Union([
  Type.Object({ kind: Type.Literal("attempt"), attemptId: Type.String(), token: Type.Integer() }),
  Type.Object({ kind: Type.Literal("operator"), name: Type.String() }),
]);
export type LockHolder = Static<typeof LockHolder>;

const StateLock = Type.Object({
  /** Terraform's id of the lock. */
  id: Type.String(),
  /** Terraform's own description, as it came; goes back to whoever finds the lock held. */
  info: Type.String(),
  holder: LockHolder,
  at: Type.Integer(),
});
export type StateLock = Static<typeof StateLock>;

const StateVersion = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  /** Names the records that hold the content. */
  blob: Type.String(),
  chunks: Type.Integer(),
  bytes: Type.Integer(),
  at: Type.Integer(),
  by: Type.String(),
  serial: Type.Optional(Type.Integer()),
  lineage: Type.Optional(Type.String()),
  terraformVersion: Type.Optional(Type.String()),
  restoredFrom: Type.Optional(Type.Integer()),
});
export type StateVersion = Static<typeof StateVersion>;

/** A lock that was broken by force: who did it, and whose it was. Small, since a record's size is bounded. */
const ForcedUnlock = Type.Object({
  at: Type.Integer(),
  /** The name of the operator's token. */
  by: Type.String(),
  lockId: Type.String(),
  lockedAt: Type.Integer(),
  /** An attempt's id or a token's name. */
  holder: Type.String(),
  who: Type.Optional(Type.String()),
  operation: Type.Optional(Type.String()),
});
export type ForcedUnlock = Static<typeof ForcedUnlock>;

/** Everything about one state but its content: one record, so lock and versions change in one conditional write. */
const StateHead = Type.Object({
  key: Type.String(),
  /** The number of the next version; never goes back. */
  next: Type.Integer({ minimum: 1 }),
  /** The version that counts; absent: there is none, or it was deleted. */
  current: Type.Optional(Type.Integer()),
  /** Newest first. */
  versions: Type.Array(StateVersion),
  lock: Type.Optional(StateLock),
  /** Newest first, a bounded number. */
  forcedUnlocks: Type.Optional(Type.Array(ForcedUnlock)),
});
export type StateHead = Static<typeof StateHead>;

const validator = Compile(StateHead);

/** A state that nobody has written yet. */
export function emptyHead(key: string): StateHead {
  return { key, next: 1, versions: [] };
}

/** Reads the record of a head. Throws `STORE_CORRUPT`. */
export function parseHead(value: unknown): StateHead {
  if (validator.Check(value)) return value;
  throw new StackyardError("STORE_CORRUPT", "The record of a Terraform state cannot be read.");
}

/** The version that counts now. */
export function findCurrent({ versions, current }: StateHead): StateVersion | undefined {
  return versions.find(({ version }) => version === current);
}
