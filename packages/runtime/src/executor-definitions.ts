import type { Executor } from "@stackyard/core";
import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";
import { Type } from "typebox";

/** What is known of an executor without running it. */
export type ExecutorDefinition = Pick<
  Executor,
  "name" | "config" | "progress" | "outputs" | "resumable" | "cancelWithin" | "exclusiveKey" | "timeout"
>;

/** Definitions by the executor's name. */
export type ExecutorDefinitions = ReadonlyMap<string, ExecutorDefinition>;

/**
 * Those of `terraform` and `lambda`, and what a user adds; the user's win. Of those that are only named nothing is known but
 * that their config is a map: who runs them checks it.
 */
export function toExecutorDefinitions(
  added: readonly ExecutorDefinition[] = [],
  names: readonly string[] = [],
): ExecutorDefinitions {
  const all = [...names.map(toNamed), terraformDefinition, lambdaDefinition, ...added];
  return new Map(all.map((each) => [each.name, each]));
}

function toNamed(name: string): ExecutorDefinition {
  return { name, config: Type.Record(Type.String(), Type.Unknown()), resumable: true, cancelWithin: "5m" };
}
