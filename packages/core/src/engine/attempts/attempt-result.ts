import { toErrorText } from "../../errors/stackyard-error.ts";
import { cutText } from "../../machine/cut-text.ts";
import { exceedsBytes, MAX_METADATA_BYTES } from "../../machine/decide/metadata.ts";
import { toErrorDescription } from "../../machine/error-description.ts";
import { SYSTEM_EVENTS } from "../../machine/event-message.ts";
import type { ExecutorDefinition } from "../../machine/executor-definition.ts";
import { jobMachineSource, jobStackId, parseJobMachine } from "../../machine/job-machine.ts";
import { defined } from "../../machine/json.ts";
import { createLogMask } from "../../machine/log-mask.ts";
import { JOB_MACHINE } from "../../machine/machine.ts";
import { createIsQuoting, type IsQuoting, type MaskText, maskTexts } from "../../machine/mask-text.ts";
import { shortHashOf } from "../../machine/short-hash.ts";
import { toStrictText } from "../../machine/strict-json.ts";
import type { TaskMessage } from "../../machine/task-message.ts";
import { type Failed, failed, type LogFields, type Logger, type Step, type Succeeded } from "../../ports/executor.ts";
import type { Revision } from "../../ports/locator.ts";
import type { QueuedEvent } from "../../ports/stack-store.ts";
import type { AttemptLogs, AttemptLogWriter, LogEndOptions, OpenLogInput } from "./attempt-log.ts";

/** A step that ends an attempt. */
export type FinalStep = Exclude<Step, { kind: "running" }>;

/** Returns the outcome of an attempt. After a cancel, every failure counts as cancelled. */
export function toSettledOutcome(step: FinalStep, cancelling: boolean): "succeeded" | "failed" | "cancelled" {
  if (step.kind === "succeeded") return "succeeded";
  return cancelling ? "cancelled" : "failed";
}

/** Returns the event with the result of an attempt. Its id contains the id of the attempt, so it is applied once. */
export function toResultEvent(
  message: TaskMessage,
  step: FinalStep,
  options: { readonly cancelling: boolean; readonly now: number },
): QueuedEvent {
  const { id } = message.dispatch;
  return {
    id: `result:${id}`,
    stackId: message.stack.id,
    origin: "worker",
    receivedAt: options.now,
    message: {
      ...toBody(message, step, options.cancelling),
      stackId: message.stack.id,
      task: message.task,
      dispatchId: id,
    },
  };
}

function toBody(message: TaskMessage, step: FinalStep, cancelling: boolean): Readonly<Record<string, unknown>> {
  switch (toSettledOutcome(step, cancelling)) {
    case "succeeded":
      return {
        event: SYSTEM_EVENTS.taskCompleted,
        ...toOutputs(message, step as Succeeded),
        ...toShortfall(step as Succeeded),
      };
    case "cancelled":
      return { event: SYSTEM_EVENTS.taskCancelled };
    case "failed": {
      const { code, message: text, retryable, outputs } = step as Failed;
      // The whole text is in the attempt's log. In the event, it must not make the result too large for its door.
      const description = toErrorDescription(text);
      return { event: SYSTEM_EVENTS.taskError, description, code, retryable, ...(outputs && { outputs }) };
    }
  }
}

function toShortfall({ shortfall }: Succeeded): Readonly<Record<string, unknown>> {
  if (shortfall === undefined) return {};
  return { code: shortfall.code, description: toErrorDescription(shortfall.message) };
}

/**
 * Returns the outputs for the event of a result. Stacks of version 2 may store outputs, sensitive ones among the
 * secrets of their record: those travel there through the queue, and never enter the history. Version 1 stores none, so
 * sensitive ones are left out.
 */
function toOutputs({ dispatch }: TaskMessage, { outputs, sensitive = [] }: Succeeded): Partial<Result> {
  if (typeof outputs !== "object" || outputs === null) return { outputs: {} };
  const given = Object.entries(outputs);
  const hidden = sensitive.filter((name) => Object.hasOwn(outputs, name));
  if (dispatch.version !== 2) return { outputs: Object.fromEntries(given.filter(([name]) => !hidden.includes(name))) };
  return { outputs: Object.fromEntries(given), ...(hidden.length === 0 ? {} : { sensitiveOutputs: hidden }) };
}

interface Result {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly sensitiveOutputs: readonly string[];
}

/**
 * Limits outputs, which travel in the event of their result, to the size of a stack's metadata. In version 2 larger
 * ones fail the task (`OUTPUT_INVALID`); version 1 does not support outputs, so they are left out there.
 */
export function boundOutputs(message: TaskMessage, step: FinalStep): FinalStep {
  if (step.outputs === undefined) return step;
  if (!exceedsBytes(step.outputs, MAX_METADATA_BYTES)) return step;
  if (step.kind === "failed" || message.dispatch.version !== 2) return { ...step, outputs: {} };
  const bytes = Buffer.byteLength(JSON.stringify(step.outputs));
  const reason = `The outputs are ${bytes} bytes as JSON; the limit is ${MAX_METADATA_BYTES}. Store large values elsewhere and return their address.`;
  return failed({ code: "OUTPUT_INVALID", message: reason, retryable: false });
}

/** The input of a job. */
export interface JobInput {
  readonly executor: ExecutorDefinition;
  readonly config: Readonly<Record<string, unknown>>;
  readonly target?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
}

/**
 * The name of a job: the caller's own key, at most 255 characters, so that a repeat finds the same job; else a new
 * ULID. It is the event's id.
 */
export type JobName = { readonly key: string } | { readonly ulid: string };

/** A job that can be started once its revision is kept. */
interface PreparedJob {
  readonly key: string;
  readonly stackId: string;
  readonly revision: Revision;
}

/** Returns the id of a job and its own revision of the machine. Pure. Throws `PAYLOAD_TOO_LARGE`. */
export function prepareJob({ executor, config, target, timeoutMs, ...name }: JobInput & JobName): PreparedJob {
  const source = jobMachineSource(
    defined({ executor: executor.name, config, definition: executor, target, timeoutMs }),
  );
  const machine = parseJobMachine(source);
  if (machine === undefined)
    throw new TypeError("The config of the job is not a JSON object, or its timeout is not a duration.");
  const key = "key" in name ? name.key : name.ulid;
  return { key, stackId: jobStackId(name), revision: { name: JOB_MACHINE, hash: machine.hash, source } };
}

/** Returns the event that starts a job. Its revision must be stored first. */
export function toJobEvent({ key, stackId, revision }: PreparedJob, now: number): QueuedEvent {
  const message = { id: key, event: "START", stackId, machine: JOB_MACHINE, revision: revision.hash };
  return { id: key, stackId, origin: "external", receivedAt: now, message, own: true };
}

/** A job that starts so long after the task that requests it. */
export interface FollowUpJob extends PreparedJob {
  readonly inMs: number;
}

/** Returns the follow-up job that a succeeded step requests. If the job cannot be created, the step fails. */
export function toFollowUpJob(
  executor: ExecutorDefinition | undefined,
  message: TaskMessage,
  step: FinalStep,
): { readonly step: FinalStep; readonly followUp?: FollowUpJob } {
  if (step.kind !== "succeeded" || step.followUp === undefined || executor === undefined) return { step };
  const { inMs, config } = step.followUp;
  const target = message.task["target"];
  // An attempt's id may be longer than an event's.
  const key = `follow-up:${shortHashOf(message.dispatch.id)}`;
  try {
    const aimed = typeof target === "object" && target !== null ? { target: { ...target } } : {};
    return { step, followUp: { ...prepareJob({ executor, config, key, ...aimed }), inMs } };
  } catch (error) {
    const reason = `The work was done, but its follow-up job cannot be created: ${toErrorText(error)}`;
    return { step: failed({ code: "OUTPUT_INVALID", message: reason, retryable: false }) };
  }
}

/** Masks the secrets of an attempt in everything that leaves the worker. */
export interface AttemptMask {
  /** True without secrets to mask. */
  readonly isEmpty: boolean;
  readonly text: MaskText;
  logger(logger: Logger): Logger;
  /**
   * Masks the texts of a step. An output that contains a secret is sensitive, whatever the executor declares; and since
   * that may fail a task whose work is done, only a whole secret counts, and not a single line of a secret with several
   * lines.
   */
  step(step: Step): Step;
}

/** Creates a mask for the secrets of a claim. */
export function createAttemptMask(secrets: Readonly<Record<string, unknown>> = {}): AttemptMask {
  const values = Object.values(secrets);
  if (values.length === 0) return NO_MASK;
  const text = createLogMask(values);
  const isQuoting = createIsQuoting(values);
  return {
    isEmpty: false,
    text,
    logger: (logger) => maskLogger(logger, text),
    step: (step) => maskStep(step, text, isQuoting),
  };
}

/** Masks the values of sensitive outputs too. */
export function maskOutputs(text: string, step: FinalStep): string {
  return findOutputMask(step)?.(text) ?? text;
}

/**
 * Returns the mask for the values of sensitive outputs, which a log may have quoted before they were known; undefined
 * without such outputs.
 */
export function findOutputMask(step: FinalStep): MaskText | undefined {
  if (step.kind !== "succeeded" || typeof step.outputs !== "object" || step.outputs === null) return undefined;
  const { sensitive = [] } = step;
  if (sensitive.length === 0) return undefined;
  const named = new Map(Object.entries(step.outputs));
  return createLogMask(sensitive.map((name) => named.get(name)));
}

const NO_MASK: AttemptMask = {
  isEmpty: true,
  text: (text) => text,
  logger: (logger) => logger,
  step: (step) => step,
};

function maskStep(step: Step, mask: MaskText, isQuoting: IsQuoting): Step {
  switch (step.kind) {
    case "running":
      return { ...step, message: mask(step.message) };
    case "failed":
      return { ...step, message: mask(step.message), ...(step.outputs && { outputs: maskMap(step.outputs, mask) }) };
    case "succeeded":
      return step.followUp && quotes(step.followUp.config, isQuoting)
        ? REVEALING
        : taint(maskShortfall(step, mask), isQuoting);
  }
}

/** The revision of a job is kept in clear, and its config with it. */
const REVEALING = failed({
  code: "OUTPUT_INVALID",
  message: "The work was done, but the config of its follow-up job would contain a sensitive value.",
  retryable: false,
});

function maskShortfall({ shortfall, ...step }: Succeeded, mask: MaskText): Succeeded {
  return { ...step, ...(shortfall && { shortfall: { ...shortfall, message: mask(shortfall.message) } }) };
}

function taint(step: Succeeded, isQuoting: IsQuoting): Succeeded {
  const { outputs, sensitive = [] } = step;
  if (typeof outputs !== "object" || outputs === null) return step;
  const tainted = Object.entries(outputs).filter(([, value]) => quotes(value, isQuoting));
  if (tainted.length === 0) return step;
  return { ...step, sensitive: [...new Set([...sensitive, ...tainted.map(([name]) => name)])] };
}

function quotes(value: unknown, isQuoting: IsQuoting): boolean {
  return isQuoting(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
}

function maskMap(map: Readonly<Record<string, unknown>>, mask: MaskText): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, maskTexts(mask, value)]));
}

function maskLogger(logger: Logger, mask: MaskText): Logger {
  const toFields = (fields: LogFields | undefined) => (fields === undefined ? undefined : maskFields(fields, mask));
  return {
    debug: (message, fields) => logger.debug(mask(message), toFields(fields)),
    info: (message, fields) => logger.info(mask(message), toFields(fields)),
    warn: (message, fields) => logger.warn(mask(message), toFields(fields)),
    error: (message, fields) => logger.error(mask(message), toFields(fields)),
  };
}

function maskFields(fields: LogFields, mask: MaskText): LogFields {
  const masked = Object.entries(fields).map(([key, value]) => {
    return [key, value instanceof Error ? maskError(value, mask) : maskTexts(mask, value)] as const;
  });
  return Object.fromEntries(masked);
}

/** Returns a masked copy of an error without its cause, or the same error if it contains no secret. */
function maskError(error: Error, mask: MaskText): Error {
  const { message, stack = "" } = error;
  if (mask(message) === message && mask(stack) === stack && error.cause === undefined) return error;
  const copy = new Error(mask(message));
  copy.name = error.name;
  copy.stack = mask(stack);
  return copy;
}

const MAX_LOG_BYTES = 65_536;
const CUT_NOTE = "… the beginning was cut …";

/** The end of a task's output: the newest lines, at most 64 KiB. */
interface TaskLog {
  add(line: string): void;
  /** Returns the newest line that was added; undefined before the first. */
  last(): string | undefined;
  text(): string;
}

/**
 * Creates a log that continues the text of an earlier one. When it is full, the oldest lines are dropped. `onLine` is
 * given each line whole.
 */
export function createTaskLog(earlier = "", onLine: (line: string) => void = () => undefined): TaskLog {
  const lines = earlier === "" ? [] : earlier.split("\n");
  let cut = lines[0] === CUT_NOTE;
  if (cut) lines.shift();
  let bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  let last: string | undefined;
  return {
    add(given) {
      const line = toStrictText(given);
      onLine(line);
      const kept = Buffer.byteLength(line) > MAX_LOG_BYTES / 4 ? cutText(line, MAX_LOG_BYTES / 8) : line;
      last = kept;
      lines.push(kept);
      bytes += Buffer.byteLength(kept) + 1;
      while (bytes > MAX_LOG_BYTES - CUT_NOTE.length - 4 && lines.length > 1) {
        bytes -= Buffer.byteLength(lines.shift() ?? "") + 1;
        cut = true;
      }
    },
    last: () => last,
    text: () => (cut ? [CUT_NOTE, ...lines] : lines).join("\n"),
  };
}

/** The end of a task's output, and the whole of it where the yard keeps that. */
export interface AttemptLog extends TaskLog {
  /** Stores the rest of the whole log. */
  end(options?: LogEndOptions): Promise<void>;
}

/** Creates the log of one grant. The first line opens the writer of the whole log: most steps report no lines. */
export function createAttemptLog(logs: AttemptLogs | undefined, input: OpenLogInput): AttemptLog {
  let writer: AttemptLogWriter | undefined;
  const open = () => {
    writer ??= logs?.open(input);
    return writer;
  };
  const log = createTaskLog(input.earlier, (line) => open()?.add(line));
  return {
    ...log,
    // Lines of earlier steps may contain values that only now are known to be sensitive.
    end: async (options = {}) => (options.mask !== undefined && input.continued ? open() : writer)?.end(options),
  };
}
