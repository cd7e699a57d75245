import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { type Static, Type } from "typebox";
import { StackyardError } from "../errors/stackyard-error.ts";
import { compileWhenUsed } from "./compile-when-used.ts";
import { type ExecutorDefinition, findTimeoutMs, toCancelWithinMs } from "./executor-definition.ts";
import { defined, parseJson } from "./json.ts";
import { MAX_NAME } from "./limits.ts";
import {
  FAILED,
  INIT,
  JOB_MACHINE,
  type Machine,
  NEXT,
  PLAIN_MACHINE,
  PLAIN_STATE,
  PLAIN_TASK,
  SEMANTICS_V1,
  type State,
  type Task,
  toReactions,
} from "./machine.ts";
import { shortHashOf } from "./short-hash.ts";

/** The largest revision of a job, in bytes of UTF-8. */
export const MAX_JOB_SOURCE_BYTES = 262_144;

const Length = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

/** The document of a job's own revision of the machine `stackyard.run`. */
export const JobSource = Type.Object(
  {
    machine: Type.Literal(JOB_MACHINE),
    executor: Type.String({ minLength: 1, maxLength: MAX_NAME }),
    config: Type.Record(Type.String(), Type.Unknown()),
    target: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    timeoutMs: Length,
    cancelWithinMs: Length,
  },
  { additionalProperties: false },
);
export type JobSource = Static<typeof JobSource>;

/** The executor call of a job. */
export interface JobMachineInput {
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The account and region to work in, as it travels in the task message. */
  readonly target?: Readonly<Record<string, unknown>>;
  /** Default: the executor's own, else one hour. */
  readonly timeoutMs?: number;
  /** The source of the executor's own timeout and of the time limit of a cancel (default 5 minutes). */
  readonly definition?: ExecutorDefinition;
}

/**
 * Returns the job's revision as text. Throws `PAYLOAD_TOO_LARGE` over 256 KiB, and errors of the executor's own
 * timeout.
 */
export function jobMachineSource(input: JobMachineInput): string {
  const { executor, config, target, definition } = input;
  const document: JobSource = {
    machine: JOB_MACHINE,
    executor,
    config,
    ...defined({ target }),
    timeoutMs: input.timeoutMs ?? findTimeoutMs(definition, config) ?? DEFAULT_TIMEOUT_MS,
    cancelWithinMs: toCancelWithinMs(definition),
  };
  const source = JSON.stringify(document);
  const bytes = utf8ToBytes(source).length;
  if (bytes <= MAX_JOB_SOURCE_BYTES) return source;
  const reason = `The config of the job makes ${bytes} bytes; at most ${MAX_JOB_SOURCE_BYTES} are allowed.`;
  throw new StackyardError("PAYLOAD_TOO_LARGE", reason);
}

/** Returns the machine of a job's revision; undefined when the text is not one. */
export function parseJobMachine(source: string): Machine | undefined {
  const document = parseJobSource(source);
  if (document === undefined) return undefined;
  return {
    ...PLAIN_MACHINE,
    // When a caller reads the result of a job, its stack is in another state already.
    semantics: { ...SEMANTICS_V1, outputsInHistory: true },
    name: JOB_MACHINE,
    hash: bytesToHex(sha256(utf8ToBytes(`${JOB_MACHINE}\u0000${source}`))),
    revision: "pin",
    events: EVENTS,
    states: STATES,
    tasks: new Map([["run", toTask(document)]]),
  };
}

/** Returns the content of a job's revision; undefined when the text is not one. */
export function parseJobSource(source: string): JobSource | undefined {
  const document = parseJson(source);
  return validator.Check(document) ? document : undefined;
}

/** Returns the stack id of a job: the caller's key decides, so that a repeat finds the same job; else a new ULID. */
export function jobStackId(input: { readonly key: string } | { readonly ulid: string }): string {
  return `run-${"key" in input ? shortHashOf(input.key) : input.ulid}`;
}

const DEFAULT_TIMEOUT_MS = 3_600_000;
const DAY_MS = 86_400_000;

const validator = compileWhenUsed(JobSource);

const EVENTS: ReadonlySet<string> = new Set(["START", "RETRY", "CLOSE"]);

/** DONE is kept for a day and FAILED for 30, so that people can look and try again. */
const STATES: ReadonlyMap<string, State> = new Map(
  [
    toState(INIT, { on: { START: "RUN" } }),
    toState("RUN", { tasks: ["run"], on: { [NEXT]: "DONE", [FAILED]: "FAILED" } }),
    toState("DONE", { on: { CLOSE: "CLOSED" }, closeAfterMs: DAY_MS }),
    toState("FAILED", { on: { RETRY: "RUN", CLOSE: "CLOSED" }, closeAfterMs: 30 * DAY_MS }),
    toState("CLOSED", { terminal: true }),
  ].map((state) => [state.name, state]),
);

interface StateInput {
  readonly on?: Readonly<Record<string, string>>;
  readonly tasks?: readonly string[];
  readonly terminal?: boolean;
  readonly closeAfterMs?: number;
}

function toState(name: string, { on = {}, tasks = [], terminal = false, closeAfterMs }: StateInput): State {
  const reactions = Object.entries(on).map(([event, state]) => [event, toReactions([state])] as const);
  const after =
    closeAfterMs === undefined ? [] : [{ kind: "in", inMs: closeAfterMs, event: "CLOSE", key: "0" } as const];
  return { ...PLAIN_STATE, name, terminal, tasks, on: new Map(reactions), after };
}

function toTask({ executor, config, target, timeoutMs, cancelWithinMs }: JobSource): Task {
  const definition = { executor, config, ...defined({ target }) };
  return { ...PLAIN_TASK, name: "run", executor, definition, timeoutMs, cancelWithinMs };
}
