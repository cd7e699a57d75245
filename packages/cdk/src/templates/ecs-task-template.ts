import { type App, CfnOutput, type Stack } from "aws-cdk-lib";
import { EcsTask } from "../ecs-task/ecs-task.ts";
import { onlyIf } from "../given.ts";
import { openTemplate } from "./template-parameters.ts";
import { addFunctionAlarms, toCode, toFunctionSettings } from "./template-settings.ts";
import { addFunctionOutputs } from "./template-stack.ts";

const DESCRIPTION = "Stackyard: Custom::ECSTask, which runs tasks of ECS while stacks are made and changed.";

/** Adds the template of the custom resource for tasks of ECS. It needs no yard. */
export function addEcsTaskTemplate(app: App): Stack {
  const { stack, parameters } = openTemplate(app, "ecs-task", DESCRIPTION);
  const ecsTask = new EcsTask(stack, "EcsTask", {
    ...toFunctionSettings(parameters),
    code: toCode(stack, parameters, "EcsTask"),
    name: parameters.text("YardName"),
    logLevel: parameters.text("LogLevel"),
    clusterArns: parameters.list("ClusterArns"),
    taskDefinitionArns: parameters.list("TaskDefinitionArns"),
    passRoleArns: parameters.givenList("TaskRoleArns"),
    logGroupArns: parameters.givenList("TaskLogGroupArns"),
    physicalId: onlyIf(parameters.condition("GivesTaskArns", "PhysicalId", "taskArn"), "taskArn"),
  });
  addFunctionAlarms(stack, parameters, { EcsTask: ecsTask.function });
  addFunctionOutputs(stack, "EcsTask", ecsTask.function);
  new CfnOutput(stack, "EcsTaskServiceToken", {
    value: ecsTask.serviceToken,
    description: "ServiceToken of resources of the type Custom::ECSTask.",
  });
  return stack;
}
