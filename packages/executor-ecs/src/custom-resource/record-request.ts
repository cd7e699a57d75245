import { CUSTOM_RESOURCE_RUNS, defined, isMap, silentLogger } from "@stackyard/core";
import type { CustomResourceRun } from "@stackyard/core/api";
import { findCluster } from "./decide-request.ts";
import { toExecutionName, toResourceId } from "./identity.ts";
import { parseProperties } from "./parse-properties.ts";
import type { TaskWork } from "./progress.ts";
import type { CustomResourceResponse } from "./response.ts";
import { formatError } from "./trouble.ts";
import type { EcsTaskDeps } from "./turn.ts";

type HistoryDeps = Pick<EcsTaskDeps, "records" | "clock" | "logger">;

const KEPT_MS = 30 * 86_400_000;

/** Later instants have smaller numbers: records are listed in order of their keys. Until the year 2286. */
const LAST_MS = 10 ** 13;

/**
 * Records a request for people to read, for 30 days. A record that cannot be written is logged and left out: the work
 * and the answer do not depend on it.
 */
export async function recordRequest(
  deps: HistoryDeps,
  work: TaskWork,
  response?: CustomResourceResponse,
): Promise<void> {
  const { records, clock, logger = silentLogger } = deps;
  const { RequestId } = work.request;
  const id = `${String(LAST_MS - work.receivedAt).padStart(13, "0")}-${toExecutionName(RequestId)}`;
  const key = `${CUSTOM_RESOURCE_RUNS}${id}`;
  const now = clock.now();
  const value = { ...toRun(id, work), ...(response && { answeredAt: toInstant(now), answer: toAnswer(response) }) };
  const write = { key, now, expiresAt: work.receivedAt + KEPT_MS };
  try {
    const result = await records.put({ ...write, value, expected: "absent" });
    // A repeated start has nothing to add, and must not remove an answer.
    if (result.kind === "written" || value.answer === undefined) return;
    const { current } = result;
    const merged = { ...(isMap(current?.value) ? current.value : {}), ...value };
    await records.put({ ...write, value: merged, expected: current?.version ?? "absent" });
  } catch (error) {
    logger.warn("The request is missing in the list of requests.", {
      requestId: RequestId,
      error: formatError(error),
    });
  }
}

function toRun(id: string, work: TaskWork): CustomResourceRun {
  const { request, receivedAt, taskArns, taskDefinitionArn, startedAt } = work;
  const { RequestId, RequestType, StackId, LogicalResourceId, ResourceProperties } = request;
  const parsed = RequestType === "Delete" ? undefined : parseProperties(ResourceProperties);
  const named = parsed?.kind === "config" ? parsed.config.taskDefinition : undefined;
  return {
    id,
    requestId: RequestId,
    requestType: toType(RequestType),
    stackId: StackId,
    logicalId: LogicalResourceId,
    resourceId: toResourceId(request),
    taskArns: [...taskArns],
    receivedAt: toInstant(receivedAt),
    ...defined({
      cluster: findCluster(ResourceProperties),
      taskDefinition: taskDefinitionArn ?? named,
      startedAt: startedAt === undefined ? undefined : toInstant(startedAt),
    }),
  };
}

/** A request of another type is refused; it is shown as an update. */
function toType(type: string): CustomResourceRun["requestType"] {
  return type === "Create" || type === "Delete" ? type : "Update";
}

function toAnswer({ Status, Reason, PhysicalResourceId, Data }: CustomResourceResponse) {
  return { status: Status, reason: Reason, physicalId: PhysicalResourceId, data: { ...Data } };
}

function toInstant(at: number): string {
  return new Date(at).toISOString();
}
