import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { ECSClient } from "@aws-sdk/client-ecs";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { silentLogger } from "@stackyard/core";
import type { DefinitionCache } from "../definition-cache.ts";
import { findCluster } from "./decide-request.ts";
import { toExecutionName, toResourceId } from "./identity.ts";
import { parseProperties } from "./parse-properties.ts";
import type { EcsTaskDeps, TurnContext } from "./turn.ts";
import type { ClaimedWork } from "./work-store.ts";

/** What the turns of claimed work are given. */
export function createTurnContext(input: {
  readonly deps: EcsTaskDeps;
  readonly claimed: ClaimedWork;
  readonly definitions: DefinitionCache;
  readonly signal: AbortSignal;
}): TurnContext {
  const { deps, claimed, definitions, signal } = input;
  const { request } = claimed.work;
  const { logger = silentLogger, clock } = deps;
  const parsed = parseProperties(request.ResourceProperties);
  const cluster = findCluster(request.ResourceProperties) ?? "";
  const region = findRegion(cluster);
  return {
    get work() {
      return claimed.work;
    },
    id: toResourceId(request),
    config: parsed.kind === "config" ? parsed.config : undefined,
    cluster,
    definitions,
    deps,
    logger,
    signal,
    ecs: { ecs: deps.aws(ECSClient, region), clock, signal },
    logs: { logs: deps.aws(CloudWatchLogsClient, region), signal },
    save: (changes) => claimed.save(changes),
    async handOver() {
      if (claimed.work.handedOver) return;
      await startExecution(deps, request.RequestId, signal);
      await claimed.save({ handedOver: true });
    },
  };
}

/** The same name and input again are the same execution; one that has ended has done its work. */
export async function startExecution(deps: EcsTaskDeps, requestId: string, abortSignal: AbortSignal): Promise<void> {
  const { stateMachineArn } = deps;
  const input = JSON.stringify({ requestId });
  const command = new StartExecutionCommand({ stateMachineArn, name: toExecutionName(requestId), input });
  try {
    await deps.aws(SFNClient).send(command, { abortSignal });
  } catch (error) {
    if (!(error instanceof Error && error.name === "ExecutionAlreadyExists")) throw error;
  }
}

/** A cluster's ARN says where it is; a name is of the function's own region. */
function findRegion(cluster: string): string | undefined {
  return /^arn:[a-z-]+:ecs:([a-z0-9-]+):\d{12}:cluster\//.exec(cluster)?.[1];
}
