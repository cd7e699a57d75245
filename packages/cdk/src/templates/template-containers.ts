import type { CfnCondition, Stack } from "aws-cdk-lib";
import type { StoreChoices, TaskRunnerQueues } from "../functions/yard-settings.ts";
import { LongTaskService } from "../long-task-service.ts";
import type { QueueAddress } from "../queues/queue-address.ts";
import type { TemplateParameters } from "./template-parameters.ts";
import { toRunnerRights, toYardSettings } from "./template-settings.ts";

/** The queues of containers for long tasks, and the condition under which there are containers. */
export interface ContainersInput {
  readonly queue: QueueAddress;
  readonly queues: TaskRunnerQueues;
  readonly stores: StoreChoices;
  readonly condition: CfnCondition;
}

/** Adds the service of containers for long tasks, as configured by the parameters. */
export function addContainers(stack: Stack, parameters: TemplateParameters, input: ContainersInput): void {
  new LongTaskService(stack, "Containers", {
    ...toYardSettings(parameters),
    ...toRunnerRights(parameters),
    ...input,
    imageUri: parameters.text("LongTaskImageUri"),
    architecture: parameters.text("LongTaskArchitecture"),
    subnets: {
      subnetIds: parameters.list("LongTaskSubnetIds"),
      securityGroupIds: parameters.list("LongTaskSecurityGroupIds"),
    },
    hasPublicAddress: parameters.text("LongTaskPublicAddress"),
    count: parameters.number("LongTaskCount"),
    logRetentionDays: parameters.number("LogRetentionDays"),
  });
}
