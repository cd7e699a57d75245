import { ARTIFACT_NAME, ARTIFACT_VERSION, type ConsumerPlace } from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AccountId, Instant, Region } from "../registry/place.ts";

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
export function hasEnded({ phase }: Pick<SetRecord, "phase">): boolean {
  return phase === "done" || phase === "failed";
}

/** When that was begun of which its consumer has had everything; null: nothing was. */
export function findWholeAt({ wholeAt = null, phase, startedAt, since, artifact }: SetRecord): number | null {
  return phase === "done" && since === null && artifact === null ? startedAt : wholeAt;
}

/** A step lasts 15 minutes at most, and none waits for longer than 5. */
const DEAD_AFTER_MS = 30 * 60_000;

/** Somebody goes on with it, or will. */
export function isLive(set: SetRecord, now: number): boolean {
  return !hasEnded(set) && now - set.aliveAt < DEAD_AFTER_MS;
}
