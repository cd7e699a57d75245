import type { ExecutorDefinition } from "@stackyard/core";
import { commandDefinition } from "@stackyard/executor-command/definition";
import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";
import { promotionDefinitions } from "@stackyard/promotion/definition";
import { Type } from "typebox";

/** Definitions by the executor's name. */
export type ExecutorDefinitions = ReadonlyMap<string, ExecutorDefinition>;

/**
 * Returns the definitions of the executors that are built in, and those that a user adds; the user's win. Of those with only a
 * name the config must be a map: their runner checks it.
 */
export function toExecutorDefinitions(
  added: readonly ExecutorDefinition[] = [],
  names: readonly string[] = [],
): ExecutorDefinitions {
  const builtIn: readonly ExecutorDefinition[] = [
    terraformDefinition,
    lambdaDefinition,
    commandDefinition,
    ...promotionDefinitions,
  ];
  const named = names.filter((name) => !builtIn.some((definition) => definition.name === name)).map(toNamed);
  return new Map([...builtIn, ...named, ...added].map((each) => [each.name, each]));
}

function toNamed(name: string): ExecutorDefinition {
  return { name, config: Type.Record(Type.String(), Type.Unknown()), resumable: true, cancelWithin: "5m" };
}
