import { DescribeTaskDefinitionCommand, type TaskDefinition } from "@aws-sdk/client-ecs";
import type { EcsDeps } from "./task-order.ts";
import { type AwsFailure, toAwsFailure } from "./to-aws-failure.ts";

/** A task definition's revision, or why it cannot be had. */
export type LoadedDefinition =
  | { readonly kind: "found"; readonly definition: TaskDefinition; readonly taskDefinitionArn: string }
  | ({
      readonly kind: "failed";
      /** What AWS threw, where it was not just that there is none. */
      readonly cause?: unknown;
    } & AwsFailure);

/**
 * Resolves a family, `family:revision` or ARN; a family means its latest active revision. Fails with ECS_TASK_DEFINITION, and
 * throws when it is interrupted only.
 */
export async function loadDefinition(
  { ecs, signal }: Pick<EcsDeps, "ecs" | "signal">,
  taskDefinition: string,
): Promise<LoadedDefinition> {
  try {
    const answer = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }), { abortSignal: signal });
    const { taskDefinition: definition } = answer;
    const taskDefinitionArn = definition?.taskDefinitionArn;
    if (definition !== undefined && taskDefinitionArn !== undefined) {
      return { kind: "found", definition, taskDefinitionArn };
    }
    return toNotFound(taskDefinition, "ECS named no revision.");
  } catch (error) {
    if (signal.aborted) throw error;
    if (isRefusal(error)) return toNotFound(taskDefinition, `${error.name}: ${error.message}`);
    return { kind: "failed", cause: error, ...toAwsFailure(error, `DescribeTaskDefinition of "${taskDefinition}"`) };
  }
}

/** DescribeTaskDefinition API: an unknown definition is a ClientException, "Unable to describe task definition." */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && ["ClientException", "InvalidParameterException"].includes(error.name);
}

function toNotFound(name: string, why: string): LoadedDefinition {
  const message = `There is no task definition "${name}". ${why} Look at its name, revision, region and account.`;
  return { kind: "failed", code: "ECS_TASK_DEFINITION", message, retryable: false };
}
