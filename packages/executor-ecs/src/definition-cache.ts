import type { TaskDefinition } from "@aws-sdk/client-ecs";
import { loadDefinition } from "./load-definition.ts";
import type { EcsDeps } from "./task-order.ts";

/** Task definitions by the ARN of their revision, which never changes. */
export interface DefinitionCache {
  /** Undefined where it is not to be had. Throws what AWS said where it may be had later. */
  find(deps: Pick<EcsDeps, "ecs" | "signal">, taskDefinitionArn: string): Promise<TaskDefinition | undefined>;
  remember(taskDefinitionArn: string, definition: TaskDefinition): void;
}

const MAX_DEFINITIONS = 100;

/** A cache of one process, so that a poll does not ask for the same revision again. */
export function createDefinitionCache(): DefinitionCache {
  const known = new Map<string, TaskDefinition>();

  function remember(taskDefinitionArn: string, definition: TaskDefinition): void {
    known.delete(taskDefinitionArn);
    known.set(taskDefinitionArn, definition);
    const oldest = known.keys().next().value;
    if (known.size > MAX_DEFINITIONS && oldest !== undefined) known.delete(oldest);
  }

  return {
    remember,
    async find(deps, taskDefinitionArn) {
      const found = known.get(taskDefinitionArn);
      if (found !== undefined) return found;
      const loaded = await loadDefinition(deps, taskDefinitionArn);
      if (loaded.kind === "failed" && loaded.retryable) throw loaded.cause;
      if (loaded.kind === "failed") return undefined;
      remember(taskDefinitionArn, loaded.definition);
      return loaded.definition;
    },
  };
}
