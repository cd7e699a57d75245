import { jsonFaults } from "../json-faults.ts";
import type { ServiceFaults } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/**
 * Errors with their texts. Sources: ECS API reference, errors of "RunTask", "StartTask", "StopTask", "DescribeTasks",
 * "ListTasks", "DescribeTaskDefinition"; the texts are those that users report.
 */
export const ecsFaults = {
  ...jsonFaults,
  parameter: (message: string) => new SimFault("InvalidParameterException", 400, message),
  client: (message: string) => new SimFault("ClientException", 400, message),
  clusterMissing: () => new SimFault("ClusterNotFoundException", 400, "Cluster not found."),
  clusterInactive: () => new SimFault("ClusterNotFoundException", 400, "The referenced cluster was inactive."),
  taskMissing: () => new SimFault("InvalidParameterException", 400, "The referenced task was not found."),
  /** "RunTask": the token is in use with a different request; `resourceIds` are the tasks that it has started. */
  conflict: (resourceIds: readonly string[]) =>
    new SimFault("ConflictException", 400, "The client token is already in use with a different request.", {
      resourceIds,
    }),
} satisfies ServiceFaults & Record<string, (...facts: never[]) => SimFault>;
