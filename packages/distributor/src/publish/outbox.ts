import type { Clock, Records } from "@stackyard/core";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { type Claim, Claimed, createObjectClaims, type ObjectClaims } from "./object-claims.ts";

interface Announced {
  /** So many of the version's files were announced to everybody. */
  readonly announced: number;
}

const compiled = Compile(Type.Object({ ...Claimed, announced: Type.Integer({ minimum: 0 }) }));

/** A manifest that appeared and is not announced to the end, held by this process. */
export type OutboxEntry = Claim<Announced>;

/** Manifests that appeared and must be announced to the end. */
export type Outbox = ObjectClaims<Announced>;

/** Longer than the longest silence of somebody at work: a hundred messages at the pace of a consumer, and their retries. */
const TAKEN_MS = 120_000;

/** The outbox in records. */
export function createOutbox(records: Records, clock: Clock): Outbox {
  const isClaim = (value: unknown) => compiled.Check(value);
  return createObjectClaims(records, clock, { name: "outbox", takenMs: TAKEN_MS, fresh: { announced: 0 }, isClaim });
}
