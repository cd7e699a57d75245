import type { CustomResourceRequest } from "@stackyard/aws/custom-resource";
import { isMap } from "@stackyard/core";
import Type, { type Static } from "typebox";
import { Check } from "typebox/value";
import { StoredRun } from "../stored-run.ts";
import type { TaskRun } from "../task-run.ts";
import { CustomResourceResponse } from "./response.ts";

const text = Type.String();
const instant = Type.Integer({ minimum: 0 });

/**
 * The progress of the work for a request, as the state of its execution. A step receives it and returns the next one, so each
 * is stored before anything is done about it. Instants are epoch milliseconds.
 */
const StoredProgress = Type.Object({
  ...StoredRun.properties,
  taskArns: Type.Array(text),
  /**
   * `decide` what to do, wait for `health` of a target group, `start` tasks, `record` them, `wait` for them, `end` them
   * after a failure, `stop` them for a Delete.
   */
  phase: Type.Enum(["decide", "health", "start", "record", "wait", "end", "stop"]),
  /** The first try. */
  placingSince: Type.Optional(instant),
  /** With its revision. */
  taskDefinitionArn: Type.Optional(text),
  /** The stop of a Delete is waited for until then. */
  until: Type.Optional(instant),
  /** The cluster of a Delete's turn, if not that of the properties. */
  cluster: Type.Optional(text),
  /** Further clusters in which a Delete stops tasks. */
  further: Type.Optional(Type.Array(text)),
  /** What a Delete did in the clusters before. */
  told: Type.Optional(text),
  /** AWS has not served our calls since. */
  troubledSince: Type.Optional(instant),
  /** The end: nothing but this is left to be sent. */
  response: Type.Optional(CustomResourceResponse),
});

type Stored = Static<typeof StoredProgress>;

/** The phase of the work. */
export type WorkPhase = Stored["phase"];

/** The progress of the work; an undefined value is a missing one. */
export interface WorkProgress extends TaskRun, Partial<Undefinable<Omit<Stored, keyof TaskRun | "phase">>> {
  readonly phase: WorkPhase;
}

type Undefinable<Given> = { readonly [Name in keyof Given]: Given[Name] | undefined };

/**
 * Returns undefined for `{}`, the progress before the first step. Throws for anything else: to begin anew would start
 * tasks twice.
 */
function parseProgress(value: unknown): WorkProgress | undefined {
  if (Check(StoredProgress, value)) return value;
  if (isMap(value) && Object.keys(value).length === 0) return undefined;
  throw new TypeError("The state of the execution contains no valid progress.");
}

/** A request of CloudFormation, and how far the work for it is. */
export interface TaskWork extends WorkProgress {
  readonly request: CustomResourceRequest;
  readonly receivedAt: number;
}

/** Returns the work for a request at its beginning. */
export function toNewWork(request: CustomResourceRequest, receivedAt: number): TaskWork {
  const phase = request.RequestType === "Delete" ? "stop" : "decide";
  return { request, receivedAt, phase, attempt: 1, taskArns: [] };
}

/** Returns the progress of the work, without its request. */
export function toProgress({ request: _, receivedAt: _at, ...progress }: TaskWork): WorkProgress {
  return progress;
}

/** Returns the work with the progress of a state; unchanged for that before the first step. */
export function withProgress({ request, receivedAt, ...before }: TaskWork, stored: unknown): TaskWork {
  return { ...(parseProgress(stored) ?? before), request, receivedAt };
}
