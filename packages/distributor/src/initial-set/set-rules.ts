import { backoff } from "@stackyard/core";
import { defineRecordKind } from "@stackyard/core/services";
import { ARTIFACT_NAME, ARTIFACT_VERSION, type ConsumerPlace } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { toPlaceKey } from "../cell.ts";
import type { ConsumerRecord } from "../consumers.ts";
import { AccountId, CONTENDED, Instant, Moment, Region } from "../records.ts";

/** The request of an execution. */
export interface SetRequest extends ConsumerPlace {
  /** Name of the first execution of this line. */
  readonly line: string;
  /** Name of this execution. */
  readonly execution: string;
  /** Start of this execution, in epoch milliseconds. */
  readonly askedAt: number;
  /** Only versions published since then, in epoch milliseconds. */
  readonly since: number | null;
  /** Only this name, or `name@version`. */
  readonly artifact: string | null;
}

/** The facts for deciding a step. */
export interface SetFacts {
  readonly request: SetRequest;
  readonly set: SetRecord | undefined;
  readonly consumer: Pick<ConsumerRecord, "generation" | "probeAnsweredAt">;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The decision about a step. `set`: the record to save first. */
export type SetDecision =
  | { readonly kind: "wait"; readonly seconds: number; readonly set?: SetRecord }
  | { readonly kind: "probe"; readonly seconds: number; readonly set: SetRecord }
  | { readonly kind: "announce"; readonly set: SetRecord }
  /** The history of this execution is long: another one, named in `set`, continues. */
  | { readonly kind: "restart"; readonly set: SetRecord }
  | { readonly kind: "done"; readonly messages: number; readonly set?: SetRecord }
  | { readonly kind: "failed"; readonly set?: SetRecord };

const MINUTE_MS = 60_000;
const PROBE_FOR_MS = 20 * MINUTE_MS;
const V1_WAIT_MS = 15 * MINUTE_MS;
const V1_PAUSE_MS = 60 * MINUTE_MS;
const FIRST_PROBE_PAUSE_S = 5;
const MAX_PROBE_PAUSE_S = 60;
const FOLLOWER_WAIT_S = 30;
const MAX_WAIT_S = 300;
/**
 * An execution ends after 25,000 history events (Step Functions quotas). A step has nine: five of a task, two of a choice, two of
 * a wait; each of its four retries adds three.
 */
const MAX_STEPS = 800;

/**
 * Decides the next step of a consumer's set. One execution works on the set; another one waits for its end, and starts again only
 * when it requested something else, or after the announcements had started.
 */
export function decideSet(facts: SetFacts): SetDecision {
  const { set, request, now } = facts;
  if (set === undefined) return begin(facts);
  if (set.line === request.line) return goOn(facts, set);
  if (hasEnded(set)) return answersFor(set, request) ? { kind: "done", messages: set.messages } : begin(facts);
  if (isLive(set, now)) return { kind: "wait", seconds: FOLLOWER_WAIT_S };
  const isSame = asksForSame(set, request);
  return isSame
    ? goOn(facts, { ...set, line: request.line, execution: request.execution, steps: 0, restarts: 0 })
    : begin(facts);
}

function asksForSame(set: SetRecord, { since, artifact }: SetRequest): boolean {
  return set.since === since && set.artifact === artifact;
}

function answersFor(set: SetRecord, request: SetRequest): boolean {
  const isWhole = set.phase === "done" && (set.announcingAt ?? -1) >= request.askedAt;
  return isWhole && asksForSame(set, request);
}

function begin(facts: SetFacts): SetDecision {
  const { request, now, set } = facts;
  const { account, region, line, execution, since, artifact } = request;
  return goOn(facts, {
    v: 1,
    account,
    region,
    line,
    execution,
    startedAt: now,
    aliveAt: now,
    phase: "waiting",
    round: 1,
    probes: 0,
    probedAt: null,
    announcingAt: null,
    pausedAt: null,
    cursor: null,
    messages: 0,
    steps: 0,
    restarts: 0,
    since,
    artifact,
    endedAt: null,
    failures: set?.phase === "failed" ? set.failures : 0,
    wholeAt: set === undefined ? null : findWholeAt(set),
  });
}

function goOn(facts: SetFacts, known: SetRecord): SetDecision {
  if (known.phase === "done") return { kind: "done", messages: known.messages };
  if (known.phase === "failed") return { kind: "failed" };
  // The set was handed over, but the process can have crashed before it started the other execution.
  if (known.execution !== facts.request.execution) return { kind: "restart", set: known };
  const set = { ...known, aliveAt: facts.now, steps: known.steps + 1 };
  if (set.steps > MAX_STEPS) return { kind: "restart", set: handOver(set) };
  if (set.phase === "announcing") return { kind: "announce", set };
  return set.phase === "pausing" ? pause(facts, set) : shakeHands(facts, set);
}

/** Hands a set over to a new execution. Execution names have at most 80 characters. */
function handOver(set: SetRecord): SetRecord {
  const restarts = set.restarts + 1;
  return { ...set, restarts, steps: 0, execution: `${set.line.slice(0, 70)}-r${restarts}` };
}

/** Waits for the consumer. Version 1 consumers must not be probed: a message without a key fails their function repeatedly. */
function shakeHands({ consumer, now }: SetFacts, set: SetRecord): SetDecision {
  const waited = now - set.startedAt;
  if (consumer.generation === "v1") {
    return waited >= V1_WAIT_MS ? announce(set, now) : { kind: "wait", seconds: toWait(V1_WAIT_MS - waited, 60), set };
  }
  if ((consumer.probeAnsweredAt ?? -1) >= set.startedAt) return announce(set, now);
  if (waited >= PROBE_FOR_MS) {
    return { kind: "failed", set: { ...set, phase: "failed", endedAt: now, failures: set.failures + 1 } };
  }
  const pauseMs = toProbePause(set.probes - 1) * 1_000;
  const leftMs = set.probedAt === null ? 0 : set.probedAt + pauseMs - now;
  if (leftMs > 0) return { kind: "wait", seconds: toWait(leftMs, MAX_PROBE_PAUSE_S), set };
  return { kind: "probe", seconds: toProbePause(set.probes), set: { ...set, probes: set.probes + 1, probedAt: now } };
}

function toProbePause(probes: number): number {
  return backoff(probes + 1, { first: FIRST_PROBE_PAUSE_S, most: MAX_PROBE_PAUSE_S });
}

function announce(set: SetRecord, now: number): SetDecision {
  const announcingAt = set.announcingAt ?? now;
  return { kind: "announce", set: { ...set, phase: "announcing", announcingAt, cursor: null } };
}

function pause({ consumer, now }: SetFacts, set: SetRecord): SetDecision {
  // The consumer was upgraded and sends receipts now.
  if (consumer.generation === "v2") return end(set, now);
  const left = (set.pausedAt ?? now) + V1_PAUSE_MS - now;
  return left > 0 ? { kind: "wait", seconds: toWait(left, MAX_WAIT_S), set } : announce({ ...set, round: 2 }, now);
}

/** Decides what follows after all files were announced. */
export function decideSetEnd({ consumer, now }: Pick<SetFacts, "consumer" | "now">, set: SetRecord): SetDecision {
  if (consumer.generation === "v2" || set.round === 2) return end(set, now);
  const paused: SetRecord = { ...set, phase: "pausing", pausedAt: now, cursor: null };
  return { kind: "wait", seconds: MAX_WAIT_S, set: paused };
}

function end(set: SetRecord, now: number): SetDecision {
  return { kind: "done", messages: set.messages, set: { ...set, phase: "done", endedAt: now, failures: 0 } };
}

function toWait(ms: number, maxSeconds: number): number {
  return Math.max(1, Math.min(maxSeconds, Math.ceil(ms / 1_000)));
}

/** A consumer whose set must be started, or started again. */
interface DueSet extends ConsumerPlace {
  /**
   * The same for the same reason within an hour: two sweeps start only one execution. An execution that failed early reserves its
   * name for 90 days (Step Functions API reference, "StartExecution"), so a retry after an hour has another name.
   */
  readonly executionName: string;
}

/** A consumer triggers its set shortly before its registration arrives. */
const TRIGGER_LEAD_MS = 10 * 60_000;
const HOUR_MS = 60 * 60_000;
const MAX_RETRY_MS = 24 * HOUR_MS;
/** Step Functions API reference, "StartExecution". */
const MAX_NAME = 80;

/** Finds the sets that the schedule must start. Failed sets are retried after 1, 2, 4 … 24 hours. */
export function findDueSets(
  consumers: readonly ConsumerRecord[],
  sets: readonly SetRecord[],
  now: number,
): readonly DueSet[] {
  const byPlace = new Map(sets.map((set) => [toPlaceKey(set), set]));
  return consumers.flatMap((consumer) => {
    const { account, region } = consumer;
    const reason = findReason(consumer, byPlace.get(toPlaceKey(consumer)), now);
    if (reason === undefined) return [];
    const hours = Math.floor((now - Math.max(...reason)) / HOUR_MS);
    const marks = [...reason, ...(hours > 0 ? [hours] : [])].map((each) => each.toString(36));
    return [{ account, region, executionName: `${account}-${region}-auto-${marks.join("-")}`.slice(-MAX_NAME) }];
  });
}

/** Returns the instants that identify the reason for a start, or undefined. */
function findReason({ joinedAt }: ConsumerRecord, set: SetRecord | undefined, now: number): number[] | undefined {
  if (set === undefined) return [joinedAt];
  if (isLive(set, now)) return undefined;
  if (!hasEnded(set)) return [joinedAt, set.aliveAt];
  const beganAt = set.phase === "failed" ? set.startedAt : findWholeAt(set);
  const isOld = beganAt === null || beganAt < joinedAt - TRIGGER_LEAD_MS;
  const retryMs = backoff(set.failures, { first: HOUR_MS, most: MAX_RETRY_MS });
  const isToRetry = set.phase === "failed" && now >= (set.endedAt ?? 0) + retryMs;
  return isOld || isToRetry ? [joinedAt, set.endedAt ?? 0] : undefined;
}

/** The progress of a consumer's set. */
export const SetRecord = Type.Object(
  {
    v: Type.Literal(1),
    account: AccountId,
    region: Region,
    /** The first execution; continuing ones derive their names from it. */
    line: Type.String({ minLength: 1, maxLength: 80 }),
    /** The current execution. */
    execution: Type.String({ minLength: 1, maxLength: 80 }),
    startedAt: Instant,
    aliveAt: Instant,
    phase: Type.Enum(["waiting", "announcing", "pausing", "done", "failed"]),
    /** Version 1 consumers get everything twice. */
    round: Type.Integer({ minimum: 1, maximum: 2 }),
    probes: Type.Integer({ minimum: 0 }),
    probedAt: Moment,
    /** Time of the first announcement. */
    announcingAt: Moment,
    pausedAt: Moment,
    /** The last announced file. */
    cursor: Type.Union([
      Type.Object(
        {
          name: Type.String({ pattern: ARTIFACT_NAME }),
          version: Type.String({ pattern: ARTIFACT_VERSION }),
          files: Type.Integer({ minimum: 0, maximum: 1_000 }),
        },
        { additionalProperties: false },
      ),
      Type.Null(),
    ]),
    messages: Type.Integer({ minimum: 0 }),
    /** Calls of the function in this execution. */
    steps: Type.Integer({ minimum: 0 }),
    /** Number of continuing executions. */
    restarts: Type.Integer({ minimum: 0 }),
    /** Only versions published since then. */
    since: Moment,
    /** Only this name, or `name@version`. */
    artifact: Type.Union([Type.String({ maxLength: 200 }), Type.Null()]),
    endedAt: Moment,
    /** Start of the last complete set. A replay of one artifact is not complete. */
    wholeAt: Type.Optional(Moment),
    /** Failed sets in a row. */
    failures: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type SetRecord = Static<typeof SetRecord>;

/** Initial sets, by account and region of their consumers. */
export const initialSets = defineRecordKind({
  ...CONTENDED,
  prefix: "set/",
  value: SetRecord,
  holds: "the last initial set of each consumer",
  kept: "as long as the distributor",
  damaged: "missing",
});

/** Returns true for a finished set. */
function hasEnded({ phase }: Pick<SetRecord, "phase">): boolean {
  return phase === "done" || phase === "failed";
}

/** Returns the start of the last complete set, or null. */
function findWholeAt({ wholeAt = null, phase, startedAt, since, artifact }: SetRecord): number | null {
  return phase === "done" && since === null && artifact === null ? startedAt : wholeAt;
}

/** A step takes at most 15 minutes, and a wait at most 5. */
const DEAD_AFTER_MS = 30 * 60_000;

/** Returns true when an execution is working on the set. */
export function isLive(set: SetRecord, now: number): boolean {
  return !hasEnded(set) && now - set.aliveAt < DEAD_AFTER_MS;
}
