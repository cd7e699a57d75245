import { createHash } from "node:crypto";
import type { ExecutorContext } from "@stackyard/core";
import {
  BASE_VARIABLES,
  type Environment,
  isCredentialVariable,
  pickEnvironment,
  type TargetAccess,
} from "@stackyard/core/programs";
import type { CommandConfig } from "./definition.ts";

/** The same for all attempts of a task since its stack entered the state; a program recognizes by it what it has done. */
export const TASK_ID = "STACKYARD_TASK_ID" as const;

interface EnvironmentInput {
  readonly runner: Environment;
  readonly passEnvironment: readonly string[];
  readonly access: TargetAccess | undefined;
  readonly environment: CommandConfig["environment"];
  readonly files: { readonly metadata: string; readonly outputs: string };
}

/**
 * Returns the whole environment of a program. With a target the runner's own credentials are left out, so that a task can never
 * work in the runner's account by mistake.
 */
export function toEnvironment(ctx: ExecutorContext, input: EnvironmentInput): Readonly<Record<string, string>> {
  const { runner, passEnvironment, access, environment = {}, files } = input;
  const picked = pickEnvironment(runner, [...BASE_VARIABLES, ...passEnvironment, ...(access ? [] : ["AWS_*"])]);
  const kept = Object.entries(picked).filter(([name]) => access === undefined || !isCredentialVariable(name));
  const given = Object.entries(environment).map(([name, value]) => [name, String(value)]);
  const { traceContext, stackId, machine, task, attempt, state } = ctx;
  const all: Environment = {
    ...Object.fromEntries(kept),
    ...access?.credentials,
    ...(access && { AWS_REGION: access.target.region, AWS_DEFAULT_REGION: access.target.region }),
    TRACEPARENT: traceContext?.traceparent,
    TRACESTATE: traceContext?.tracestate,
    ...Object.fromEntries(given),
    STACKYARD_STACK: stackId,
    STACKYARD_MACHINE: machine,
    STACKYARD_TASK: task,
    STACKYARD_STATE: state,
    STACKYARD_ATTEMPT: String(attempt.number),
    [TASK_ID]: toTaskId(ctx),
    STACKYARD_METADATA: files.metadata,
    STACKYARD_OUTPUTS: files.outputs,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Returns 32 hexadecimal digits. The id of an attempt ends with its number. */
export function toTaskId({ attempt }: Pick<ExecutorContext, "attempt">): string {
  const [, task = attempt.id] = /^(.+)\/\d+$/.exec(attempt.id) ?? [];
  return createHash("sha256").update(task).digest("hex").slice(0, 32);
}
