import { defineRecordKind } from "@stackyard/core/services";
import { Type } from "typebox";
import type { TurnRecord } from "./decide-turn.ts";

const granted = {
  stack: Type.String(),
  incarnation: Type.String(),
  createdAt: Type.Number(),
  machine: Type.Optional(Type.String()),
};
const release = { ...granted, entry: Type.Number() };
const waiter = {
  ...release,
  task: Type.String(),
  since: Type.Optional(Type.Number()),
  supersededBy: Type.Optional(Type.String()),
};
const Shape = Type.Object({
  version: Type.Literal(1),
  holder: Type.Optional(Type.Object({ ...release, states: Type.Array(Type.String()) })),
  waiting: Type.Array(Type.Object(waiter)),
  passed: Type.Optional(Type.Object({ ...granted, at: Type.Number() })),
});

/** The turns of a yard, by encoded name. One that cannot be read must not count as free. */
export const turns = defineRecordKind({
  prefix: "promotion/turns/",
  value: Type.Unsafe<TurnRecord>(Shape),
  holds: "who has a turn of a gate, and who waits for it",
  kept: "as long as the yard",
  // Releases that meet at one turn decide again this often.
  tries: 50,
  conflict: (name) => `Too many releases ask for the turn "${decodeURIComponent(name)}" at once.`,
});
