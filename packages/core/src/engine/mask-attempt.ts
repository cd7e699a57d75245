import {
  createIsQuoting,
  createMaskText,
  type IsQuoting,
  type MaskText,
  maskTexts,
} from "../machine/decide/stack-secrets.ts";
import type { Step, Succeeded } from "../ports/executor.ts";
import type { LogFields, Logger } from "../ports/logger.ts";
import { failed } from "../ports/steps.ts";

/** What must not leave a worker while it runs an attempt that was given secrets. */
export interface AttemptMask {
  readonly text: MaskText;
  logger(logger: Logger): Logger;
  /**
   * The step with its texts masked. An output that holds a secret is sensitive, whatever the executor says; and since
   * that may fail a task whose work is done, only a whole secret counts, and not a line of one that has several.
   */
  step(step: Step): Step;
}

/** A mask of the values that a claim gave. */
export function createAttemptMask(secrets: Readonly<Record<string, unknown>> = {}): AttemptMask {
  const values = Object.values(secrets);
  if (values.length === 0) return NO_MASK;
  const text = createMaskText(values);
  const isQuoting = createIsQuoting(values);
  return { text, logger: (logger) => maskLogger(logger, text), step: (step) => maskStep(step, text, isQuoting) };
}

/** Masks the values of sensitive outputs too: a log may have quoted them before they were known. */
export function maskOutputs(text: string, { outputs, sensitive = [] }: Succeeded): string {
  if (typeof outputs !== "object" || outputs === null) return text;
  const named = new Map(Object.entries(outputs));
  return createMaskText(sensitive.map((name) => named.get(name)))(text);
}

const NO_MASK: AttemptMask = { text: (text) => text, logger: (logger) => logger, step: (step) => step };

function maskStep(step: Step, mask: MaskText, isQuoting: IsQuoting): Step {
  switch (step.kind) {
    case "running":
      return { ...step, message: mask(step.message) };
    case "failed":
      return { ...step, message: mask(step.message), ...(step.outputs && { outputs: maskMap(step.outputs, mask) }) };
    case "succeeded":
      return step.followUp && quotes(step.followUp.config, isQuoting) ? REVEALING : taint(step, isQuoting);
  }
}

/** The revision of a run is kept in clear, and its config with it. */
const REVEALING = failed({
  code: "OUTPUT_INVALID",
  message: "The work was done, but the run that shall follow it would hold a sensitive value in its config.",
  retryable: false,
});

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

/** A copy that says the same. Its cause is left out where the texts would have to be changed in it too. */
function maskError(error: Error, mask: MaskText): Error {
  const { message, stack = "" } = error;
  if (mask(message) === message && mask(stack) === stack && error.cause === undefined) return error;
  const copy = new Error(mask(message));
  copy.name = error.name;
  copy.stack = mask(stack);
  return copy;
}
