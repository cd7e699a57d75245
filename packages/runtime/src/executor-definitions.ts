import type { ExecutorDefinition } from "@stackyard/core";
import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";
import { Type } from "typebox";

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
  const builtIn: readonly ExecutorDefinition[] = [terraformDefinition, lambdaDefinition];
  const named = names.filter((name) => !builtIn.some((definition) => definition.name === name)).map(toNamed);
  return new Map([...builtIn, ...named, ...added].map((each) => [each.name, each]));
}

function toNamed(name: string): ExecutorDefinition {
  return { name, config: Type.Record(Type.String(), Type.Unknown()), resumable: true, cancelWithin: "5m" };
}
