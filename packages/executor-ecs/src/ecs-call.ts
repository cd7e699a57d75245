import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { ECSClient, type TaskDefinition } from "@aws-sdk/client-ecs";
import { type ExecutorContext, type Failed, failed, type Step } from "@stackyard/core";
import type { EcsConfig, EcsOutputs, EcsProgress } from "./definition.ts";
import type { DefinitionCache } from "./definition-cache.ts";
import type { TaskOverrides } from "./parse-overrides.ts";
import type { LogDeps } from "./tail-logs.ts";
import type { EcsDeps } from "./task-order.ts";
import { type EcsSettings, toSettings } from "./to-settings.ts";

/** What the executor answers. */
export type EcsStep = Step<EcsProgress, EcsOutputs>;

/** One call of the executor. */
export interface EcsCall {
  readonly ctx: ExecutorContext;
  readonly settings: EcsSettings;
  readonly deps: EcsDeps;
  readonly logs: LogDeps;
  readonly definitions: DefinitionCache;
}

/** The call with its clients for the task's target, or why the config cannot work. */
export function toCall(ctx: ExecutorContext, config: EcsConfig, definitions: DefinitionCache): EcsCall | Failed {
  const read = toSettings(config);
  if (read.kind === "problems") {
    return failed({ code: "ECS_PROPERTIES_INVALID", message: read.message, retryable: false });
  }
  const { clock, signal } = ctx;
  return {
    ctx,
    settings: read.settings,
    deps: { ecs: ctx.aws(ECSClient), clock, signal },
    // Opened by the first log that is read: a run without logs needs no such client.
    logs: {
      get logs() {
        return ctx.aws(CloudWatchLogsClient);
      },
      signal,
    },
    definitions,
  };
}

/** ECS takes 36 characters of `startedBy` in StartTask; an attempt's key has 32. */
export function toStartedBy({ idempotencyKey }: Pick<ExecutorContext, "idempotencyKey">): string {
  return idempotencyKey.slice(0, 36);
}

/** Names of containers whose end ends the task; all, unless the definition says otherwise. */
export function toEssentialNames(definition: TaskDefinition | undefined): readonly string[] | undefined {
  const containers = definition?.containerDefinitions;
  return containers?.flatMap(({ name, essential }) => (essential === false ? [] : (name ?? [])));
}

/** All that the config adds to containers' environments, for the mask of their logs. */
export function toMaskedOverrides({ overrides, environment }: EcsSettings): TaskOverrides {
  return { containerOverrides: [...(overrides.containerOverrides ?? []), { name: "", environment }] };
}
