import type { Executor } from "@stackyard/core";
import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";

/** What is known of an executor without running it. */
export type ExecutorDefinition = Pick<
  Executor,
  "name" | "config" | "progress" | "outputs" | "resumable" | "cancelWithin" | "exclusiveKey" | "timeout"
>;

/** Definitions by the executor's name. */
export type ExecutorDefinitions = ReadonlyMap<string, ExecutorDefinition>;

/** Those of `terraform` and `lambda`, and what a user adds; the user's win. */
export function toExecutorDefinitions(added: readonly ExecutorDefinition[] = []): ExecutorDefinitions {
  return new Map([terraformDefinition, lambdaDefinition, ...added].map((each) => [each.name, each]));
}
