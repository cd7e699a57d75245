import { ARTIFACT_NAME, ARTIFACT_VERSION, type ConsumerPlace } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { toPlaceKey } from "../cell.ts";
import type { ConsumerRecord } from "../consumers.ts";
import { AccountId, Instant, Region } from "../records.ts";

/** What an execution is to send. */
export interface SetRequest {
  readonly account: string;
  readonly region: string;
  /** Name of the execution, or of the one that it continues. */
  readonly line: string;
  /** Name of this one. */
  readonly execution: string;
  /** Since when this execution wants it. Epoch milliseconds. */
  readonly askedAt: number;
  /** Only what was published since then. Epoch milliseconds. */
  readonly since: number | null;
  /** Only this name, or `name@version`. */
  readonly artifact: string | null;
}

/** What is asked about a step. */
export interface SetFacts {
  readonly request: SetRequest;
  readonly set: SetRecord | undefined;
  readonly consumer: Pick<ConsumerRecord, "generation" | "probeAnsweredAt">;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What a step is to do. `set`: what is noted first. */
export type SetDecision =
  | { readonly kind: "wait"; readonly seconds: number; readonly set?: SetRecord }
  | { readonly kind: "probe"; readonly seconds: number; readonly set: SetRecord }
  | { readonly kind: "announce"; readonly set: SetRecord }
  /** This execution has a long history: another one goes on, under the name that `set` tells. */
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
 * An execution ends at 25,000 events of its history (Step Functions quotas). A step has nine: five of a task, two of a choice, two of a wait;
 * and each of its four retries three more.
 */
const MAX_STEPS = 800;

/**
 * What a step of an execution does about a consumer's set. One execution works on it; another one waits until that has ended, and begins it
 * anew only where it asked for more, or after everything had begun to be sent.
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
  // It was handed over, and the process may have died before the other execution was started.
  if (known.execution !== facts.request.execution) return { kind: "restart", set: known };
  const set = { ...known, aliveAt: facts.now, steps: known.steps + 1 };
  if (set.steps > MAX_STEPS) return { kind: "restart", set: handOver(set) };
  if (set.phase === "announcing") return { kind: "announce", set };
  return set.phase === "pausing" ? pause(facts, set) : shakeHands(facts, set);
}

/** A name has at most 80 characters. */
function handOver(set: SetRecord): SetRecord {
  const restarts = set.restarts + 1;
  return { ...set, restarts, steps: 0, execution: `${set.line.slice(0, 70)}-r${restarts}` };
}

/** A consumer of the first generation must not be probed: a message without a key stops its function, again and again. */
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
  return Math.min(MAX_PROBE_PAUSE_S, FIRST_PROBE_PAUSE_S * 2 ** Math.max(0, probes));
}

function announce(set: SetRecord, now: number): SetDecision {
  return {
    kind: "announce",
    set: { ...set, phase: "announcing", announcingAt: set.announcingAt ?? now, cursor: null },
  };
}

function pause({ consumer, now }: SetFacts, set: SetRecord): SetDecision {
  // It has been upgraded, and from now on says what it lacks.
  if (consumer.generation === "v2") return end(set, now);
  const left = (set.pausedAt ?? now) + V1_PAUSE_MS - now;
  return left > 0 ? { kind: "wait", seconds: toWait(left, MAX_WAIT_S), set } : announce({ ...set, round: 2 }, now);
}

/** What follows when everything was announced. */
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

/** A consumer whose set nobody has begun, or that has to be begun again. */
interface DueSet {
  readonly account: string;
  readonly region: string;
  /**
   * The same for the same reason within an hour: two sweeps start one execution, and one that has failed before it noted anything, whose name
   * is used up for 90 days (Step Functions API reference, "StartExecution"), keeps nobody from the next.
   */
  readonly executionName: string;
}

/** A consumer's own trigger is a little earlier than the word of its registration. */
const TRIGGER_LEAD_MS = 10 * 60_000;
const HOUR_MS = 60 * 60_000;
const MAX_RETRY_FACTOR = 24;
/** Step Functions API reference, "StartExecution". */
const MAX_NAME = 80;

/** Which consumers' sets are to be begun by the schedule. What has failed is tried again after 1, 2, 4 … 24 hours. */
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

/** The instants that tell it from others. */
function findReason({ joinedAt }: ConsumerRecord, set: SetRecord | undefined, now: number): number[] | undefined {
  if (set === undefined) return [joinedAt];
  if (isLive(set, now)) return undefined;
  if (!hasEnded(set)) return [joinedAt, set.aliveAt];
  const beganAt = set.phase === "failed" ? set.startedAt : findWholeAt(set);
  const isOld = beganAt === null || beganAt < joinedAt - TRIGGER_LEAD_MS;
  const retryMs = HOUR_MS * Math.min(MAX_RETRY_FACTOR, 2 ** Math.max(0, set.failures - 1));
  const isToRetry = set.phase === "failed" && now >= (set.endedAt ?? 0) + retryMs;
  return isOld || isToRetry ? [joinedAt, set.endedAt ?? 0] : undefined;
}

const moment = Type.Union([Instant, Type.Null()]);
const textOrNull = (maxLength: number) => Type.Union([Type.String({ maxLength }), Type.Null()]);

/** How far a consumer's set is, as a record under `set/<account>/<region>`. */
export const SetRecord = Type.Object(
  {
    v: Type.Literal(1),
    account: AccountId,
    region: Region,
    /** The execution that has begun it; those that it is continued in carry its name. */
    line: Type.String({ minLength: 1, maxLength: 80 }),
    /** The one of them that works on it now. */
    execution: Type.String({ minLength: 1, maxLength: 80 }),
    startedAt: Instant,
    aliveAt: Instant,
    phase: Type.Enum(["waiting", "announcing", "pausing", "done", "failed"]),
    /** Those that cannot answer are sent everything twice. */
    round: Type.Integer({ minimum: 1, maximum: 2 }),
    probes: Type.Integer({ minimum: 0 }),
    probedAt: moment,
    /** When the first announcement of all was made. */
    announcingAt: moment,
    pausedAt: moment,
    /** Behind which file it goes on. */
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
    /** How often it was continued in a new execution. */
    restarts: Type.Integer({ minimum: 0 }),
    /** Only what was published since then. */
    since: moment,
    /** Only this name, or `name@version`. */
    artifact: textOrNull(200),
    endedAt: moment,
    /** When the last one was begun that was sent to its end and left nothing out, as a replay of one artifact does. */
    wholeAt: Type.Optional(moment),
    /** Sets that failed one after another. */
    failures: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type SetRecord = Static<typeof SetRecord>;

const validator = Compile(SetRecord);

/** All of them lie under it. */
export const SETS_PREFIX = "set/";

/** Where a consumer's set lies. */
export function toSetKey({ account, region }: ConsumerPlace): string {
  return `${SETS_PREFIX}${account}/${region}`;
}

/** Reads a record; undefined: it is none. */
export function parseSetRecord(value: unknown): SetRecord | undefined {
  return validator.Check(value) ? value : undefined;
}

/** Nobody will go on with it. */
function hasEnded({ phase }: Pick<SetRecord, "phase">): boolean {
  return phase === "done" || phase === "failed";
}

/** When that was begun of which its consumer has had everything; null: nothing was. */
function findWholeAt({ wholeAt = null, phase, startedAt, since, artifact }: SetRecord): number | null {
  return phase === "done" && since === null && artifact === null ? startedAt : wholeAt;
}

/** A step lasts 15 minutes at most, and none waits for longer than 5. */
const DEAD_AFTER_MS = 30 * 60_000;

/** Somebody goes on with it, or will. */
export function isLive(set: SetRecord, now: number): boolean {
  return !hasEnded(set) && now - set.aliveAt < DEAD_AFTER_MS;
}
