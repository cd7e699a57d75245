import type { TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { describeThrown, describeValue } from "../errors/stackyard-error.ts";
import { type Executor, type Failed, failed, type Running, type Step, type Succeeded } from "../ports/executor.ts";

/**
 * Validates an executor's result, which may come from a plugin in plain JavaScript. An invalid one becomes a failed
 * step.
 */
export function checkStep(executor: Executor, answer: unknown): Step {
  if (typeof answer !== "object" || answer === null || !("kind" in answer)) return notAStep(executor, answer);
  // The kind claims one of three types; each part is checked before it is used.
  const step = answer as Step;
  switch (step.kind) {
    case "running":
      return checkRunning(executor, step);
    case "succeeded":
      return checkSucceeded(executor, step);
    case "failed":
      return checkFailed(executor, step);
    default:
      return notAStep(executor, answer);
  }
}

function checkRunning(executor: Executor, step: Running): Step {
  const { name, progress: schema } = executor;
  const { progress, pollAfterMs } = step;
  if (!isLength(pollAfterMs)) {
    return invalidPlugin(
      `"${name}" answered running with pollAfterMs ${describeValue(pollAfterMs)}; give milliseconds.`,
    );
  }
  const fault = findFaults(schema, progress) ?? findJsonFault(progress);
  if (fault !== undefined) return invalidPlugin(`The progress of "${name}" does not fit its schema: ${fault}.`);
  return typeof step.message === "string" ? step : { ...step, message: "" };
}

function checkSucceeded(executor: Executor, step: Succeeded): Step {
  const { name, outputs: schema } = executor;
  const fault = findFaults(schema, step.outputs) ?? findJsonFault(step.outputs);
  if (fault !== undefined) return invalidOutput(`The outputs of "${name}" do not fit its schema: ${fault}.`);
  const { followUp } = step;
  if (followUp === undefined) return step;
  // Null comes from plugins in plain JavaScript.
  const inMs: unknown = (followUp as typeof followUp | null)?.inMs;
  if (isLength(inMs)) return step;
  return invalidOutput(`The follow-up of "${name}" is in ${describeValue(inMs)}; give milliseconds.`);
}

function checkFailed({ name }: Executor, step: Failed): Step {
  if (typeof step.code === "string" && typeof step.message === "string") return step;
  return invalidPlugin(`"${name}" answered failed without a code and a message.`);
}

function notAStep({ name }: Executor, answer: unknown): Step {
  const what = answer === undefined ? "nothing" : typeof answer === "object" ? "an object of no known kind" : "no step";
  return invalidPlugin(`"${name}" answered ${what}. Answer with running(), succeeded() or failed().`);
}

function invalidPlugin(message: string): Step {
  return failed({ code: "PLUGIN_INVALID", message, retryable: false });
}

function invalidOutput(message: string): Step {
  return failed({ code: "OUTPUT_INVALID", message, retryable: false });
}

function isLength(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

/** Returns why a value cannot be stored as JSON: every attempt to store it would fail. */
function findJsonFault(value: unknown): string | undefined {
  try {
    JSON.stringify(value);
    return undefined;
  } catch (error) {
    return `it is no JSON (${describeThrown(error)})`;
  }
}

const compiled = new WeakMap<object, Validator>();
const FAULTS_SHOWN = 5;

/**
 * Returns the faults of a value by JSON pointer, as one sentence; undefined when it is valid. Schemas are compiled
 * once.
 */
export function findFaults(schema: TSchema | undefined, value: unknown): string | undefined {
  if (schema === undefined) return undefined;
  let validator = compiled.get(schema);
  if (validator === undefined) {
    validator = Compile(schema);
    compiled.set(schema, validator);
  }
  if (validator.Check(value)) return undefined;
  const faults = validator.Errors(value).slice(0, FAULTS_SHOWN);
  return faults.map(({ instancePath, message }) => `${instancePath === "" ? "/" : instancePath} ${message}`).join("; ");
}
