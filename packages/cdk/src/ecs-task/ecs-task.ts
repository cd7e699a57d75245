import { toEcsTaskStateMachine } from "@stackyard/executor-ecs/custom-resource";
import { Aws, RemovalPolicy } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import type { Code } from "aws-cdk-lib/aws-lambda";
import { CfnSecret } from "aws-cdk-lib/aws-secretsmanager";
import { CfnStateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { AppFunction, createAppRole, type FunctionSettings } from "../app-function.ts";
import { CallFunction } from "../function-triggers.ts";
import { type Given, mapGiven } from "../given.ts";
import { type EcsRights, runEcsTasks } from "../policies/ecs-permissions.ts";
import { allow, type Permission } from "../policies/statement.ts";
import { DEFAULT_YARD } from "../yard-settings.ts";

/** The input of the custom resource. */
export interface EcsTaskProps extends FunctionSettings, EcsRights {
  readonly code: Code;
  /** The name of this installation. Default: `main`. */
  readonly name?: string;
  /** `debug`, `info`, `warn` or `error`. Default: `info`. */
  readonly logLevel?: string;
  /** `taskArn` for old templates that use `Ref` as the ARN of a task. Default: a stable id. */
  readonly physicalId?: Given<string>;
}

/** A step takes seconds, the state machine does the waiting; it repeats no step before this time is over. */
const TIMEOUT_SECONDS = 120;

/** `Custom::ECSTask`: CloudFormation runs tasks of ECS while a stack is made or changed, and waits for their end. */
export class EcsTask extends Construct {
  readonly function: AppFunction;
  /** `ServiceToken` of resources. */
  readonly serviceToken: string;
  readonly stateMachineArn: string;

  constructor(scope: Construct, id: string, props: EcsTaskProps) {
    super(scope, id);
    const { name = DEFAULT_YARD } = props;
    const functionName = `stackyard-${name}-ecs-task`;
    const table = createRecordsTable(this, "Records", `stackyard-${name}-ecs-task`);
    const secret = createAnswerSecret(this, "AnswerSecret");
    const waiting = new EcsTaskWaiting(this, "Waiting", {
      name: functionName,
      permissionsBoundaryArn: props.permissionsBoundaryArn,
      functionArn: `arn:${Aws.PARTITION}:lambda:${Aws.REGION}:${Aws.ACCOUNT_ID}:function:${functionName}`,
    });
    this.stateMachineArn = waiting.stateMachineArn;
    this.function = new AppFunction(this, "App", {
      ...props,
      functionName,
      timeoutSeconds: TIMEOUT_SECONDS,
      recursiveLoop: "Terminate",
      logGroupName: `/stackyard/${name}/ecs-task`,
      description: `Stackyard, ${name}: runs tasks of ECS for CloudFormation.`,
      permissions: [
        toMemoryPermission(table.attrArn, secret.ref),
        toWaitingPermission(waiting.stateMachineArn, functionName),
        ...runEcsTasks(props),
        ...(props.physicalId === undefined ? [] : [mapGiven(props.physicalId, tagStarted)]),
        toFactsPermission(),
      ],
      environment: {
        TABLE: table.ref,
        RESPONSE_URL_SECRET: secret.ref,
        STATE_MACHINE_ARN: waiting.stateMachineArn,
        PHYSICAL_ID: props.physicalId,
        LOG_LEVEL: props.logLevel,
      },
    });
    this.serviceToken = this.function.arn;
    new CallFunction(this, "Failed", {
      functionName: this.function.name,
      functionArn: this.function.arn,
      description: "Lets the function answer CloudFormation where waiting itself has failed.",
      eventPattern: {
        source: ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        detail: { status: ["FAILED", "TIMED_OUT", "ABORTED"], stateMachineArn: [waiting.stateMachineArn] },
      },
    });
  }
}

function toMemoryPermission(tableArn: string, secretArn: string): Permission {
  const items = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"];
  return {
    name: "Memory",
    statements: [
      allow("Records", items, tableArn),
      allow("AnswerSecret", ["secretsmanager:GetSecretValue"], secretArn),
    ],
  };
}

/** An execution contains a request. Its existence is checked when the request comes again, or its execution was aborted. */
function toWaitingPermission(stateMachineArn: string, machineName: string): Permission {
  const executions = `arn:${Aws.PARTITION}:states:${Aws.REGION}:${Aws.ACCOUNT_ID}:execution:${machineName}:*`;
  return {
    name: "Waiting",
    statements: [
      allow("Start", ["states:StartExecution"], stateMachineArn),
      allow("Look", ["states:DescribeExecution"], executions),
    ],
  };
}

/** Permissions that only some properties need: to check whether a stack rolls back, and whether a target group has a healthy target. */
function toFactsPermission(): Permission {
  const stacks = `arn:${Aws.PARTITION}:cloudformation:${Aws.REGION}:${Aws.ACCOUNT_ID}:stack/*`;
  return {
    name: "Facts",
    statements: [
      allow("StackStatus", ["cloudformation:DescribeStacks"], stacks),
      allow("TargetHealth", ["elasticloadbalancing:DescribeTargetHealth"], "*"),
    ],
  };
}

/** The ARN of a task as physical id needs a tag: it marks the tasks that this function has started. */
function tagStarted(): Permission {
  const tasks = `arn:${Aws.PARTITION}:ecs:*:${Aws.ACCOUNT_ID}:task/*`;
  const Condition = { StringLike: { "aws:ResourceTag/stackyard:stack": "*" } };
  return { name: "TaskTags", statements: [{ ...allow("TagOwn", ["ecs:TagResource"], tasks), Condition }] };
}

/** Creates the table of records, such as the last run of each resource. */
export function createRecordsTable(scope: Construct, id: string, tableName: string): CfnTable {
  const table = new CfnTable(scope, id, {
    tableName,
    billingMode: "PAY_PER_REQUEST",
    attributeDefinitions: ["pk", "sk"].map((attributeName) => ({ attributeName, attributeType: "S" })),
    keySchema: [
      { attributeName: "pk", keyType: "HASH" },
      { attributeName: "sk", keyType: "RANGE" },
    ],
    timeToLiveSpecification: { attributeName: "ttl", enabled: true },
  });
  table.applyRemovalPolicy(RemovalPolicy.DESTROY);
  return table;
}

/**
 * Creates the secret that encrypts requests with the addresses of responses: a caller with an address could respond instead of us.
 */
export function createAnswerSecret(scope: Construct, id: string): CfnSecret {
  return new CfnSecret(scope, id, {
    description: "Stackyard: encrypts the addresses at which CloudFormation waits for answers.",
    generateSecretString: { passwordLength: 64, excludePunctuation: true },
  });
}

/** Who is called by the state machine. */
export interface EcsTaskWaitingProps {
  readonly name: string;
  readonly functionArn: string;
  readonly permissionsBoundaryArn?: Given<string> | undefined;
}

/** The state machine that holds requests and waits for tasks, since a function that called itself would be stopped by Lambda. */
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
