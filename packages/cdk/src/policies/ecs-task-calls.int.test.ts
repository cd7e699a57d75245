import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createDynamodbRecords } from "@stackyard/store-dynamodb";
import { describe, expect, it } from "vitest";
import { FULL_ECS_TASK_APP } from "../testing/an-app.ts";
import { createEcsTaskWorld, type EcsTaskWorld, PLACE, TASK_ROLES } from "../testing/an-ecs-task-world.ts";
import { type Call, findGrants } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";
import { findDenied, findUnused, startDeployment } from "../testing/start-deployment.ts";
import { toIamCalls } from "../testing/to-iam-calls.ts";

const HERE = `${PLACE.region}:${PLACE.account}`;
const PARAMETERS = {
  ...FULL_ECS_TASK_APP,
  YardName: "main",
  ClusterArns: `arn:aws:ecs:${HERE}:cluster/web`,
  TaskDefinitionArns: `arn:aws:ecs:${HERE}:task-definition/migrate:*`,
  TaskRoleArns: TASK_ROLES.join(","),
  TaskLogGroupArns: `arn:aws:logs:${HERE}:log-group:/web/app`,
  SubnetIds: "",
};
/** The instance of the cluster. */
const INSTANCE = "1".padStart(32, "0");
const body = JSON.parse(findBody("ecs-task"));
const grants = findGrants(resolveTemplate(body, PARAMETERS), "EcsTaskRole");

/** The least that a resource needs. */
const LEAST = { Cluster: "web", TaskDefinition: "migrate" };

/** What the function calls while that happens. */
async function play(run: (world: EcsTaskWorld) => Promise<void>): Promise<readonly Call[]> {
  const world = createEcsTaskWorld("stackyard-main-ecs-task");
  await run(world);
  const tags = { "stackyard:stack": "shop" };
  const facts = { account: PLACE.account, rolesOf: () => TASK_ROLES, tagsOf: () => tags };
  return world.sim.calls.filter(({ arn }) => arn.endsWith("user/ecs-task")).flatMap((call) => toIamCalls(call, facts));
}

describe("the role of the custom resource", () => {
  it("lets it do all that it does, and needs every statement", async () => {
    const calls = await play(async ({ sim, life, until }) => {
      const TargetGroupHealthCheck = sim.loadBalancing.addTargetGroup({ ...PLACE, name: "web" });
      sim.loadBalancing.setTarget(TargetGroupHealthCheck, { id: "i-0123456789abcdef0", state: "healthy" });
      await until(life.create({ ...LEAST, TargetGroupHealthCheck }));
      sim.ecs.script("migrate", { containers: { app: { exitCode: 1, logs: ["no such table"] } } });
      await until(life.update({ ...LEAST, RunOnRollback: false, Triggers: "1" }));
      sim.ecs.script("migrate", { runsMs: Number.POSITIVE_INFINITY });
      await until(life.update({ ...LEAST, Timeout: 60, Triggers: "2" }));
      await until(life.delete());
    });

    expect(findDenied(grants, calls)).toEqual([]);
    expect(findUnused(grants, calls)).toEqual([
      "Logs Write",
      // The stored records are checked below; the app loads the secret when it opens.
      ...["Memory Records", "Memory AnswerSecret"],
    ]);
  });

  it("lets it start tasks on instances that are named", async () => {
    const calls = await play(async ({ life, until }) => {
      await until(life.create({ ...LEAST, Instances: [INSTANCE] }));
    });

    expect(calls).toContainEqual(expect.objectContaining({ action: "ecs:StartTask" }));
    expect(findDenied(grants, calls)).toEqual([]);
  });

  it("lets it run nothing else, nowhere else", async () => {
    const calls = await play(async ({ sim, life, until }) => {
      sim.ecs.addCluster({ ...PLACE, name: "other" });
      await until(life.create({ ...LEAST, Cluster: "other" }));
    });

    expect(findDenied(grants, calls)).toContain(`ecs:RunTask arn:aws:ecs:${HERE}:task-definition/migrate:1`);
  });

  it("lets it remember, and needs each of those calls", async () => {
    const deployment = await startDeployment(body, PARAMETERS);
    try {
      const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = "", TABLE: table = "" } =
        deployment.environmentOf("EcsTaskFunction");
      const credentials = { accessKeyId: "test", secretAccessKey: "test" };
      const client = new DynamoDBClient({ region: PLACE.region, credentials, endpoint });
      const records = createDynamodbRecords({ client, table });
      const now = Date.now();
      await records.put({ key: "request/1", value: 1, expected: "absent", now });
      const { version = 0 } = (await records.get("request/1", now)) ?? {};
      await records.put({ key: "request/1", value: 2, expected: version, now, expiresAt: now + 60_000 });
      await records.remove("request/1", version + 1);
      client.destroy();

      const calls = deployment.takeCalls();
      expect(findDenied(grants, calls)).toEqual([]);
      const memory = grants.find(({ sid }) => sid === "Records");
      expect(memory?.actions.filter((action) => !calls.some((call) => call.action === action))).toEqual([]);
    } finally {
      await deployment.stop();
    }
  });
});
