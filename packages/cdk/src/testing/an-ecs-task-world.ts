import { type AwsSim, createAwsSim, createResourceLife, type ResourceLife } from "@stackyard/aws-sim";
import { createFakeClock, createMemoryRecords, passUntil } from "@stackyard/core/testing";
import { createEcsTask, toEcsTaskStateMachine } from "@stackyard/executor-ecs/custom-resource";
import { ACCOUNT, REGION } from "./resolve-template.ts";
import { createSimulatedClients } from "./simulated-clients.ts";

/** The account of the function. */
export const PLACE = { account: ACCOUNT, region: REGION } as const;
/** The roles of its tasks. */
export const TASK_ROLES = ["migrate", "migrate-execution"].map((name) => `arn:aws:iam::${ACCOUNT}:role/${name}`);

/** The custom resource's function, its state machine, the cluster `web`, and CloudFormation with one resource. */
export interface EcsTaskWorld {
  readonly sim: AwsSim;
  readonly life: ResourceLife;
  until<T>(done: Promise<T>): Promise<T>;
}

/** Creates a world; its tasks have roles and log to a group. Ids are the old ones, which need one more call. */
export function createEcsTaskWorld(stateMachineName: string): EcsTaskWorld {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const [taskRoleArn = "", executionRoleArn = ""] = TASK_ROLES;
  sim.ecs.addCluster({ ...PLACE, name: "web" });
  sim.ecs.registerTaskDefinition({
    ...PLACE,
    family: "migrate",
    taskRoleArn,
    executionRoleArn,
    containerDefinitions: [{ name: "app", cpu: 256, memory: 512, logConfiguration: LOGS }],
  });
  const definition = toEcsTaskStateMachine(`arn:aws:lambda:${REGION}:${ACCOUNT}:function:ecs-task`);
  const made = createEcsTask({
    clock,
    records: createMemoryRecords(),
    physicalId: "taskArn",
    aws: createSimulatedClients(sim, { ...PLACE, name: "ecs-task" }),
    fetch: (url, init) => sim.answers.fetch(url instanceof Request ? url.url : url, init),
    secret: async () => "a long random text",
    stateMachineArn: sim.stepFunctions.addStateMachine({ ...PLACE, name: stateMachineName, definition }),
  });
  const invoke = (event: unknown) => made.handler(event);
  sim.lambda.addFunction({ ...PLACE, name: "ecs-task", handler: invoke });
  const life = createResourceLife({ clock, endpoint: sim.answers, invoke });
  return { sim, life, until: (done) => passUntil(clock, done, { extraRounds: 500 }) };
}

const LOGS = {
  logDriver: "awslogs",
  options: { "awslogs-group": "/web/app", "awslogs-region": REGION, "awslogs-stream-prefix": "ecs" },
} as const;
