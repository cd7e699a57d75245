import { StackyardError } from "@stackyard/core";
import { Type } from "typebox";
import { Check } from "typebox/value";
import type { TurnRecord } from "./decide-turn.ts";

/** The beginning of the keys of turns. */
export const TURN_PREFIX = "promotion/turns/";

const release = { stack: Type.String(), incarnation: Type.String(), createdAt: Type.Number(), entry: Type.Number() };
const Shape = Type.Object({
  version: Type.Literal(1),
  holder: Type.Optional(Type.Object({ ...release, states: Type.Array(Type.String()) })),
  waiting: Type.Array(Type.Object({ ...release, task: Type.String(), supersededBy: Type.Optional(Type.String()) })),
});

/** Returns the key of a turn's record. */
export function toTurnKey(name: string): string {
  return `${TURN_PREFIX}${encodeURIComponent(name)}`;
}

/** Returns whether a value is the record of a turn of this version, with all that decides who has it. */
export function isTurn(value: unknown): value is TurnRecord {
  return Check(Shape, value);
}

/** Returns the error for a record that cannot be read: it must not count as a free turn. */
export function unreadableTurn(key: string): StackyardError {
  return new StackyardError("STORE_CORRUPT", `The record "${key}" is invalid or was written by a newer version.`);
}
