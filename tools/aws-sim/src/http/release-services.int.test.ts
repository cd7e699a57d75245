import * as autoScaling from "@aws-sdk/client-auto-scaling";
import * as cloudWatch from "@aws-sdk/client-cloudwatch";
import * as ec2 from "@aws-sdk/client-ec2";
import * as classic from "@aws-sdk/client-elastic-load-balancing";
import * as loadBalancing from "@aws-sdk/client-elastic-load-balancing-v2";
import * as iam from "@aws-sdk/client-iam";
import * as sns from "@aws-sdk/client-sns";
import * as sts from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectionReset } from "../sim-fault.ts";
import { ACCOUNT, type AWorld } from "../testing/a-world.ts";
import type { ReleaseStep } from "../testing/release-step.ts";
import { createReleaseAccount, releaseSteps } from "../testing/release-steps.ts";
import { answerReleaseServices } from "./answer-release-services.ts";
import { type FrontDoor, openFrontDoor } from "./front-door.ts";

const SDK: Readonly<Record<string, readonly [client: unknown, commands: object]>> = {
  AutoScaling: [autoScaling.AutoScalingClient, autoScaling],
  CloudWatch: [cloudWatch.CloudWatchClient, cloudWatch],
  EC2: [ec2.EC2Client, ec2],
  ElasticLoadBalancing: [classic.ElasticLoadBalancingClient, classic],
  ElasticLoadBalancingV2: [loadBalancing.ElasticLoadBalancingV2Client, loadBalancing],
  IAM: [iam.IAMClient, iam],
  SNS: [sns.SNSClient, sns],
  STS: [sts.STSClient, sts],
};

const near = createReleaseAccount();
const far = createReleaseAccount();
const opened: { destroy(): void }[] = [];
let door: FrontDoor;

beforeAll(async () => {
  door = await openFrontDoor({ services: answerReleaseServices(far.sim), others: "http://127.0.0.1:1" });
});
afterAll(async () => {
  for (const client of opened) client.destroy();
  await door.stop();
});

/** What a call gives, without what is another each time. */
async function ask({ service, operation, input }: ReleaseStep, open: (type: unknown) => unknown): Promise<unknown> {
  const [type, commands = {}] = SDK[service] ?? [];
  const Command = Object(commands)[`${operation}Command`];
  const answer = await Object(open(type))
    .send(new Command(input))
    .then(
      ({ $metadata, ...output }: Record<string, unknown>) => output,
      ({ name, message, $metadata }: Record<string, unknown>) => ({
        name,
        message,
        status: Object($metadata).httpStatusCode,
      }),
    );
  const text = JSON.stringify(answer).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "uuid");
  return JSON.parse(text);
}

const openNear = (world: AWorld) => (type: unknown) => world.client(type as never);
const openFar = (world: AWorld) => (type: unknown) => {
  const { credentials } = world;
  const config = { endpoint: door.url, region: "eu-west-1", credentials, maxAttempts: 1 };
  const client = new (type as new (config: object) => { destroy(): void })(config);
  opened.push(client);
  return client;
};

describe("a release over HTTP", () => {
  it.each(releaseSteps.map((step) => [`${step.service}.${step.operation}`, step] as const))(
    "is answered as in process: %s",
    async (_, step) => {
      for (const { clock } of [near, far]) await clock.advance(step.afterMs ?? 0);

      const [expected, found] = [await ask(step, openNear(near)), await ask(step, openFar(far))];

      expect(found).toEqual(expected);
      expect(expected).toMatchObject(step.gives ?? {});
    },
  );

  it("has every operation of its services", () => {
    const asked = new Set(releaseSteps.map(({ service, operation }) => `${service}.${operation}`));
    const { sim } = near;
    const served = Object.entries({
      AutoScaling: sim.autoScaling,
      CloudWatch: sim.cloudWatch,
      EC2: sim.ec2,
      IAM: sim.iam,
      SNS: sim.sns,
      ElasticLoadBalancing: sim.classicLoadBalancing,
      ElasticLoadBalancingV2: sim.loadBalancing,
    }).flatMap(([name, { service }]) => Object.keys(service.operations).map((operation) => `${name}.${operation}`));

    expect(served.filter((each) => !asked.has(each))).toEqual([]);
  });

  it("is signed by sessions of roles, and refused to others", async () => {
    const { sim, credentials } = far;
    const role = sim.iam.addRole({ account: ACCOUNT, name: "releases", externalId: "yard-7", allow: ["iam:*"] });
    const client = new sts.STSClient({ endpoint: door.url, region: "eu-west-1", credentials, maxAttempts: 1 });
    const { Credentials: given } = await client.send(
      new sts.AssumeRoleCommand({
        RoleArn: role.arn,
        RoleSessionName: "release-1",
        ExternalId: "yard-7",
        DurationSeconds: 900,
        Tags: [{ Key: "ProjectName", Value: "shop" }],
      }),
    );
    const session = {
      accessKeyId: given?.AccessKeyId ?? "",
      secretAccessKey: given?.SecretAccessKey ?? "",
      sessionToken: given?.SessionToken ?? "",
    };
    const open = openFar({ ...far, credentials: session });

    const allowed = await ask({ service: "IAM", operation: "GetRole", input: { RoleName: "releases" } }, open);
    const denied = await ask({ service: "EC2", operation: "DescribeImages", input: {} }, open);

    expect(allowed).toMatchObject({ Role: { Arn: role.arn } });
    expect(denied).toMatchObject({ name: "UnauthorizedOperation", status: 403 });
    client.destroy();
  });

  it.each([
    ["IAM", "GetRole", { RoleName: "x" }],
    ["CloudWatch", "DescribeAlarms", {}],
  ])("breaks off where the connection breaks: %s", async (service, operation, input) => {
    far.sim.once(`${service}.${operation}`, async () => {
      throw connectionReset();
    });

    const answer = await ask({ service, operation, input }, openFar(far));

    expect(answer).toMatchObject({ message: "socket hang up" });
  });
});
