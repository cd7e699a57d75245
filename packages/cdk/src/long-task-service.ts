import { Aws, type CfnCondition, RemovalPolicy } from "aws-cdk-lib";
import { CfnCluster, CfnService, CfnTaskDefinition } from "aws-cdk-lib/aws-ecs";
import type { CfnRole } from "aws-cdk-lib/aws-iam";
import { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { createAppRole, type Subnets } from "./app-function.ts";
import { type Given, makeOnlyWhere, toCfn } from "./given.ts";
import { readByContainer } from "./policies/yard-permissions.ts";
import type { QueueAddress } from "./queues.ts";
import {
  DEFAULT_YARD,
  type RunnerSettings,
  type StoreChoices,
  toRunnerEnvironment,
  toRunnerPermissions,
} from "./yard-settings.ts";

/** The input of a service of containers for long tasks. */
export interface LongTaskServiceProps extends RunnerSettings {
  /** The image of the task runner for containers, with Terraform. */
  readonly imageUri: string;
  /** The queue that it reads. */
  readonly queue: QueueAddress;
  readonly stores?: StoreChoices;
  /** Where containers are placed. They must reach SQS, the store and everything that the tasks need. */
  readonly subnets: Subnets;
  /** A public address, for subnets without a way out. Default: `false`. */
  readonly hasPublicAddress?: boolean | string;
  /** Containers at a time. Default: 1. */
  readonly count?: number;
  /** Units of a CPU and MB. Default: 1024 and 4096. */
  readonly size?: { readonly cpu: string; readonly memoryMb: string };
  /** `ARM64` or `X86_64`. Default: `ARM64`. */
  readonly architecture?: string;
  readonly logRetentionDays?: number;
  readonly managedPolicyArns?: Given<readonly string[]>;
  readonly permissionsBoundaryArn?: Given<string>;
  /** All resources exist only under this condition. */
  readonly condition?: CfnCondition;
}

const DEFAULT_SIZE = { cpu: "1024", memoryMb: "4096" };
const DEFAULT_RETENTION_DAYS = 30;
const TEMPORARY_GIB = 30;
/** The seconds that a stopping container has to interrupt its tasks: the maximum on Fargate. */
const STOP_SECONDS = 120;
const PULLS = "service-role/AmazonECSTaskExecutionRolePolicy";

/** Containers on Fargate for tasks that exceed a function's time limit, such as those of Terraform. */
export class LongTaskService extends Construct {
  readonly serviceName: string;

  constructor(scope: Construct, id: string, props: LongTaskServiceProps) {
    super(scope, id);
    const { yardName = DEFAULT_YARD, permissionsBoundaryArn } = props;
    const logs = new CfnLogGroup(this, "Logs", {
      logGroupName: `/stackyard/${yardName}/long-tasks`,
      retentionInDays: props.logRetentionDays ?? DEFAULT_RETENTION_DAYS,
    });
    logs.applyRemovalPolicy(RemovalPolicy.DESTROY);
    const starter = createAppRole(this, "StartRole", {
      description: `Stackyard, yard ${yardName}: starts containers for long tasks.`,
      service: "ecs-tasks.amazonaws.com",
      permissions: [],
      managedPolicyArns: [`arn:${Aws.PARTITION}:iam::aws:policy/${PULLS}`],
      permissionsBoundaryArn,
    });
    const role = this.#createRole(props, yardName);
    const definition = this.#createDefinition(props, { yardName, logs, starter, role });
    const cluster = new CfnCluster(this, "Cluster", { clusterName: `stackyard-${yardName}` });
    const service = new CfnService(this, "Service", {
      serviceName: "long-tasks",
      cluster: cluster.ref,
      taskDefinition: definition.ref,
      launchType: "FARGATE",
      desiredCount: props.count ?? 1,
      deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true } },
      networkConfiguration: { awsvpcConfiguration: toNetwork(props) },
      propagateTags: "SERVICE",
    });
    this.serviceName = service.attrName;
    if (props.condition !== undefined) makeOnlyWhere(props.condition, this);
  }

  #createRole(props: LongTaskServiceProps, yardName: string): CfnRole {
    const { queue, stores = [], managedPolicyArns, permissionsBoundaryArn } = props;
    return createAppRole(this, "Role", {
      description: `Stackyard, yard ${yardName}: works long tasks.`,
      service: "ecs-tasks.amazonaws.com",
      permissions: [
        { name: "Queue", statements: [readByContainer("ReadLongTasks", queue.arn)] },
        ...toRunnerPermissions(props, stores),
      ],
      managedPolicyArns,
      permissionsBoundaryArn,
    });
  }

  #createDefinition(
    props: LongTaskServiceProps,
    made: {
      readonly yardName: string;
      readonly logs: CfnLogGroup;
      readonly starter: CfnRole;
      readonly role: CfnRole;
    },
  ): CfnTaskDefinition {
    const { cpu, memoryMb } = props.size ?? DEFAULT_SIZE;
    return new CfnTaskDefinition(this, "Task", {
      family: `stackyard-${made.yardName}-long-tasks`,
      requiresCompatibilities: ["FARGATE"],
      networkMode: "awsvpc",
      cpu,
      memory: memoryMb,
      executionRoleArn: made.starter.attrArn,
      taskRoleArn: made.role.attrArn,
      runtimePlatform: { cpuArchitecture: props.architecture ?? "ARM64", operatingSystemFamily: "LINUX" },
      ephemeralStorage: { sizeInGiB: TEMPORARY_GIB },
      containerDefinitions: [
        {
          name: "task-runner",
          image: props.imageUri,
          essential: true,
          stopTimeout: STOP_SECONDS,
          environment: toPairs(props),
          logConfiguration: {
            logDriver: "awslogs",
            options: {
              "awslogs-group": made.logs.ref,
              "awslogs-region": Aws.REGION,
              "awslogs-stream-prefix": "task-runner",
            },
          },
        },
      ],
    });
  }
}

function toPairs(props: LongTaskServiceProps) {
  const variables = {
    AWS_REGION: Aws.REGION,
    SQS_LONG_TASK_QUEUE_URL: props.queue.url,
    ...toRunnerEnvironment(props, props.stores ?? []),
  };
  return Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [toCfn(value, (text) => ({ name, value: text }))],
  );
}

function toNetwork({ subnets, hasPublicAddress = false }: LongTaskServiceProps) {
  const isPublic = typeof hasPublicAddress === "string" ? hasPublicAddress : hasPublicAddress ? "ENABLED" : "DISABLED";
  return {
    subnets: [...subnets.subnetIds],
    securityGroups: [...subnets.securityGroupIds],
    assignPublicIp: isPublic,
  };
}
