import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { ECSClient } from "@aws-sdk/client-ecs";
import { silentLogger } from "@stackyard/core";
import { createDefinitionCache, type DefinitionCache } from "../task-order.ts";
import { findCluster } from "./decide-request.ts";
import { toResourceId } from "./identity.ts";
import { parseProperties } from "./parse-properties.ts";
import type { TaskWork } from "./progress.ts";
import { createTextCipher, type TextCipher } from "./text-cipher.ts";
import type { EcsTaskDeps, TurnContext } from "./turn.ts";

/** The parts that all invocations of one process share. */
export interface EcsTaskApp {
  readonly deps: EcsTaskDeps;
  readonly definitions: DefinitionCache;
  /** Loads the secret with the first request; retried while that fails. */
  cipher(): Promise<TextCipher>;
}

/** Creates the app; calls nothing yet. */
export function createEcsTaskApp(deps: EcsTaskDeps): EcsTaskApp {
  let loaded: Promise<TextCipher> | undefined;
  return {
    deps,
    definitions: createDefinitionCache(),
    cipher() {
      loaded ??= deps
        .secret()
        .then(createTextCipher)
        .catch((error: unknown) => {
          loaded = undefined;
          throw error;
        });
      return loaded;
    },
  };
}

/** Creates the context of a step. */
export function createTurnContext({ deps, definitions }: EcsTaskApp, work: TaskWork, signal: AbortSignal): TurnContext {
  const { logger = silentLogger, clock } = deps;
  const { request } = work;
  const parsed = parseProperties(request.ResourceProperties);
  const cluster = work.cluster ?? findCluster(request.ResourceProperties) ?? "";
  const region = findRegion(cluster);
  return {
    work,
    id: toResourceId(request),
    config: parsed.kind === "config" ? parsed.config : undefined,
    cluster,
    definitions,
    deps,
    logger,
    signal,
    ecs: { ecs: deps.aws(ECSClient, region), clock, signal },
    logs: { logs: deps.aws(CloudWatchLogsClient, region), signal },
  };
}

/** Returns the region in a cluster's ARN; undefined for a name, which is in the function's own region. */
function findRegion(cluster: string): string | undefined {
  return /^arn:[a-z-]+:ecs:([a-z0-9-]+):\d{12}:cluster\//.exec(cluster)?.[1];
}
