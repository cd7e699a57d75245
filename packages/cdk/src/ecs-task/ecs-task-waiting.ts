import { toEcsTaskStateMachine } from "@stackyard/executor-ecs/custom-resource";
import { CfnStateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { createAppRole } from "../functions/app-role.ts";
import type { Given } from "../given.ts";
import { allow } from "../policies/statement.ts";

/** Who is called by the state machine. */
export interface EcsTaskWaitingProps {
  readonly name: string;
  readonly functionArn: string;
  readonly permissionsBoundaryArn?: Given<string> | undefined;
}

/** The state machine that waits for tasks, since a function that called itself would be stopped by Lambda. */
export class EcsTaskWaiting extends Construct {
  readonly stateMachineArn: string;

  constructor(scope: Construct, id: string, { name, functionArn, permissionsBoundaryArn }: EcsTaskWaitingProps) {
    super(scope, id);
    const role = createAppRole(this, "Role", {
      description: "Stackyard: waits for tasks of ECS.",
      service: "states.amazonaws.com",
      permissions: [{ name: "Steps", statements: [allow("Call", ["lambda:InvokeFunction"], functionArn)] }],
      permissionsBoundaryArn,
    });
    const machine = new CfnStateMachine(this, "StateMachine", {
      stateMachineName: name,
      roleArn: role.attrArn,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as Step Functions reads it.
      definition: toEcsTaskStateMachine("${FunctionArn}"),
      definitionSubstitutions: { FunctionArn: functionArn },
    });
    this.stateMachineArn = machine.ref;
  }
}
