import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { DescribeTasksCommand, ECSClient, RunTaskCommand, type RunTaskCommandInput } from "@aws-sdk/client-ecs";
import { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { createFakeClock } from "@stackyard/core/testing";
import { buildApp } from "fauxqs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAwsSim } from "../aws-sim.ts";
import { aDefinition, createEcsWorld, createWorld, PLACE } from "../testing/a-world.ts";
import {
  answerEcs,
  answerLogs,
  answerQuery,
  answerSecrets,
  answerStates,
  type FrontDoor,
  openFrontDoor,
} from "./front-door.ts";

const REGION = "eu-west-1";
const ACCOUNT = "111122223333";
const STRANGER = { accessKeyId: "stranger", secretAccessKey: "test" };
const asked: string[] = [];
const emulator = buildApp({ logger: false });
let door: FrontDoor;
let s3: S3Client;
let secrets: SecretsManagerClient;

beforeAll(async () => {
  const others = await emulator.listen({ host: "127.0.0.1", port: 0 });
  const sim = createAwsSim({ clock: createFakeClock() });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "app" });
  sim.secrets.createSecret({ account: ACCOUNT, region: REGION, name: "db", value: '{"host":"db"}' });
  door = await openFrontDoor({
    services: { secretsmanager: answerSecrets(sim) },
    others,
    onExchange: ({ service, operation }, { status }) => void asked.push(`${service}.${operation} ${status}`),
  });
  const config = { endpoint: door.url, region: REGION, credentials, maxAttempts: 1 };
  s3 = new S3Client({ ...config, forcePathStyle: true });
  secrets = new SecretsManagerClient(config);
  await s3.send(new CreateBucketCommand({ Bucket: "front" }));
});
afterAll(async () => {
  s3.destroy();
  secrets.destroy();
  await door.stop();
  await emulator.close();
});

const atDoor = () => ({ endpoint: door.url, region: REGION, credentials: STRANGER, maxAttempts: 1 });
const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket: "front", Key, Body: `body of ${Key}` }));
async function get(Key: string): Promise<string | undefined> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: "front", Key }));
  return Body?.transformToString();
}

it("answers with the time of its clock", async () => {
  const at = Date.UTC(2030, 0, 1);
  const other = await openFrontDoor({ clock: { now: () => at }, services: {}, others: door.url });

  const { headers } = await fetch(other.url);
  await other.stop();

  expect(headers.get("date")).toBe(new Date(at).toUTCString());
});

it("routes to each service, and records the requests", async () => {
  asked.length = 0;
  await put("a");

  expect(await get("a")).toBe("body of a");
  expect(await secrets.send(new GetSecretValueCommand({ SecretId: "db" }))).toMatchObject({
    SecretString: '{"host":"db"}',
  });
  await expect(secrets.send(new GetSecretValueCommand({ SecretId: "none" }))).rejects.toMatchObject({
    name: "ResourceNotFoundException",
  });
  expect(asked).toEqual([
    ...["s3.PutObject 200", "s3.GetObject 200"],
    ...["secretsmanager.GetSecretValue 200", "secretsmanager.GetSecretValue 400"],
  ]);
});

it("rejects the configured requests, until that is changed", async () => {
  const allow = door.refuse(({ service }) => service === "secretsmanager");

  await expect(secrets.send(new GetSecretValueCommand({ SecretId: "db" }))).rejects.toMatchObject({
    name: "AccessDeniedException",
  });
  await put("b");
  allow();

  expect(await secrets.send(new GetSecretValueCommand({ SecretId: "db" }))).toHaveProperty("ARN");
});

it.each([
  ["awsQuery", "AccessDenied", () => new SNSClient(atDoor()).send(new PublishCommand({ TopicArn: "t", Message: "m" }))],
  ["ec2Query", "UnauthorizedOperation", () => new EC2Client(atDoor()).send(new DescribeInstancesCommand({}))],
])("denies in the protocol of the request: %s", async (_protocol, name, send) => {
  const allow = door.refuse(({ service }) => ["sns", "ec2"].includes(service));
  await expect(send().finally(allow)).rejects.toMatchObject({ name });
});

it.each([
  ["before", false],
  ["after", true],
] as const)("holds one request %s its service has served it", async (when, isServed) => {
  const key = `held-${when}`;
  const held = door.hold(({ operation, service }) => service === "s3" && operation === "PutObject", when);
  const gaveUp = new AbortController();
  const Body = "held";
  const sent = s3.send(new PutObjectCommand({ Bucket: "front", Key: key, Body }), { abortSignal: gaveUp.signal });

  await held;
  gaveUp.abort();

  await expect(sent).rejects.toMatchObject({ name: "AbortError" });
  const found = await get(key).catch(({ name }) => name);
  expect(found).toBe(isServed ? "held" : "NoSuchKey");
});

const { sim, clock, credentials, ecs } = createEcsWorld();
let jsonDoor: FrontDoor;
let config: { endpoint: string; region: string; credentials: typeof credentials; maxAttempts: number };

beforeAll(async () => {
  jsonDoor = await openFrontDoor({
    services: { ecs: answerEcs(sim), logs: answerLogs(sim), states: answerStates(sim) },
    others: "http://127.0.0.1:1",
  });
  config = { endpoint: jsonDoor.url, region: PLACE.region, credentials, maxAttempts: 1 };
});
afterAll(() => jsonDoor.stop());

it("runs tasks over HTTP, with instants and the fields of errors", async () => {
  const client = new ECSClient(config);
  const run = (input: Partial<RunTaskCommandInput> = {}) =>
    client.send(new RunTaskCommand({ cluster: "main", taskDefinition: "migrate", clientToken: "t", ...input }));
  const begin = clock.now();
  const { tasks: [started] = [] } = await run();
  const taskArn = started?.taskArn ?? "";
  await clock.advance(20_000);

  const { tasks: [ended] = [] } = await client.send(new DescribeTasksCommand({ cluster: "main", tasks: [taskArn] }));

  expect(ended).toMatchObject({ lastStatus: "STOPPED", createdAt: new Date(begin), containers: [{ exitCode: 0 }] });
  expect((await run()).tasks).toMatchObject([{ taskArn }]);
  await expect(run({ count: 2 })).rejects.toMatchObject({ name: "ConflictException", resourceIds: [taskArn] });
  await expect(run({ cluster: "none", clientToken: "u" })).rejects.toMatchObject({ name: "ClusterNotFoundException" });
  client.destroy();
});

it("reads logs over HTTP", async () => {
  const client = new CloudWatchLogsClient(config);
  sim.logs.write({ ...PLACE, group: "/yard", stream: "s" }, [{ timestamp: clock.now(), message: "one" }]);

  const { events } = await client.send(new GetLogEventsCommand({ logGroupName: "/yard", logStreamName: "s" }));

  expect(events).toMatchObject([{ message: "one", timestamp: clock.now() }]);
  client.destroy();
});

it("runs executions over HTTP", async () => {
  const client = new SFNClient(config);
  const definition = { StartAt: "P", States: { P: { Type: "Pass", End: true } } };
  const stateMachineArn = sim.stepFunctions.addStateMachine({ ...PLACE, name: "m", definition });
  const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn, input: '{"a":1}' }));
  await sim.stepFunctions.executions[0]?.ended;

  const { status, output } = await client.send(new DescribeExecutionCommand({ executionArn }));

  expect({ status, output }).toEqual({ status: "SUCCEEDED", output: '{"a":1}' });
  client.destroy();
});

it("knows the definitions that are registered while it is open", async () => {
  const client = new ECSClient(config);
  ecs.registerTaskDefinition(aDefinition({ family: "late" }));

  expect(await client.send(new RunTaskCommand({ cluster: "main", taskDefinition: "late" }))).toMatchObject({
    tasks: [{ lastStatus: "PENDING" }],
  });
  client.destroy();
});

const { sim: querySim, credentials: queryCredentials } = createWorld();
let queryDoor: FrontDoor;
let queryConfig: {
  endpoint: string;
  region: string;
  credentials: typeof queryCredentials;
  maxAttempts: number;
};

beforeAll(async () => {
  const services = {
    cloudformation: answerQuery(querySim, "CloudFormation"),
    elasticloadbalancing: answerQuery(querySim, "ElasticLoadBalancingV2"),
  };
  queryDoor = await openFrontDoor({ services, others: "http://127.0.0.1:1" });
  queryConfig = {
    endpoint: queryDoor.url,
    region: PLACE.region,
    credentials: queryCredentials,
    maxAttempts: 1,
  };
});
afterAll(() => queryDoor.stop());

it("returns the state of a stack over HTTP", async () => {
  const client = new CloudFormationClient(queryConfig);
  const Stacks = [{ StackName: "shop & co", CreationTime: new Date(0), StackStatus: "UPDATE_ROLLBACK_IN_PROGRESS" }];
  querySim.once("CloudFormation.DescribeStacks", async () => ({ Stacks }));

  expect((await client.send(new DescribeStacksCommand({ StackName: "shop" }))).Stacks).toMatchObject(Stacks);
  await expect(client.send(new DescribeStacksCommand({ StackName: "none" }))).rejects.toMatchObject({
    name: "ValidationError",
    message: "Stack with id none does not exist",
  });
  client.destroy();
});

it("returns the health of targets over HTTP", async () => {
  const client = new ElasticLoadBalancingV2Client(queryConfig);
  const TargetGroupArn = querySim.loadBalancing.addTargetGroup({ ...PLACE, name: "web" });
  querySim.loadBalancing.setTarget(TargetGroupArn, { id: "i-1", port: 80, state: "healthy" });
  const Targets = [{ Id: "i-2" }];

  const all = await client.send(new DescribeTargetHealthCommand({ TargetGroupArn }));
  const other = await client.send(new DescribeTargetHealthCommand({ TargetGroupArn, Targets }));

  expect(all.TargetHealthDescriptions).toMatchObject([
    { Target: { Id: "i-1", Port: 80 }, TargetHealth: { State: "healthy" } },
  ]);
  expect(other.TargetHealthDescriptions).toMatchObject([{ Target: { Id: "i-2" }, TargetHealth: { State: "unused" } }]);
  await expect(client.send(new DescribeTargetHealthCommand({ TargetGroupArn: "none" }))).rejects.toMatchObject({
    name: "TargetGroupNotFoundException",
  });
  client.destroy();
});
