import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type AnswerListener,
  type AwsSim,
  answerJson,
  answerQuery,
  answerS3,
  answerStates,
  createAwsSim,
  createResourceLife,
  type FrontDoor,
  listenForAnswers,
  openFrontDoor,
} from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";
import { createMortalLambda, type MortalLambda } from "@stackyard/lambda-host";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeCode } from "./place-code.ts";

const DISTRIBUTOR = { account: "111122223333", region: "eu-west-1" } as const;
const CONSUMER = { account: "444455556666", region: "eu-central-1" } as const;
const BUCKET = `stackyard-artifacts-${CONSUMER.account}-${CONSUMER.region}`;
const DONE = { StartAt: "Done", States: { Done: { Type: "Succeed" } } };
const TYPES = { initialSet: "Custom::InitialSetTrigger", bucket: "Custom::AdoptedBucket" } as const;

/** The roles of function and distributor are new: their first calls are denied. */
const IAM_DELAY_MS = 3_000;

let sim: AwsSim;
let door: FrontDoor;
let answers: AnswerListener;
let code: Awaited<ReturnType<typeof placeCode>>;
let environment: Readonly<Record<string, string>>;
const started: MortalLambda[] = [];

beforeAll(async () => {
  sim = createAwsSim({ clock: systemClock, iamDelayMs: IAM_DELAY_MS });
  const allow = ["sts:AssumeRole", "events:PutEvents", ...readActions()];
  const { accessKeyId, secretAccessKey } = sim.iam.addUser({ ...CONSUMER, name: "resources", allow });
  const role = sim.iam.addRole({
    ...DISTRIBUTOR,
    name: "TriggerInitSetRole",
    trusts: [CONSUMER.account],
    externalId: "yard",
    allow: ["states:StartExecution"],
  });
  const json = (service: string) => answerJson(sim, service);
  door = await openFrontDoor({
    services: {
      s3: answerS3(sim),
      states: answerStates(sim),
      events: json("EventBridge"),
      sts: answerQuery(sim, "STS"),
    },
    others: "http://127.0.0.1:1",
  });
  answers = await listenForAnswers(sim.answers);
  code = await placeCode("resources");
  environment = {
    AWS_REGION: CONSUMER.region,
    AWS_ENDPOINT_URL: door.url,
    ARTIFACTS_BUCKET: BUCKET,
    EXTERNAL_ID: "yard",
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    CONSUMER_ACCOUNT_ID: CONSUMER.account,
    CONSUMER_REGION: CONSUMER.region,
    INITIAL_DISTRIBUTION_MACHINE: sim.stepFunctions.addStateMachine({
      ...DISTRIBUTOR,
      name: "InitialSet",
      definition: DONE,
    }),
    INITIAL_DISTRIBUTION_ROLE: role.arn,
    RECEIPT_BUS: sim.eventBridge.addBus({ ...DISTRIBUTOR, name: "receipts", allows: [CONSUMER.account] }),
  };
});
afterAll(async () => {
  for (const lambda of started) lambda.stop();
  await Promise.all([door.stop(), answers.stop(), code.remove()]);
});

/** The policy of the bucket's function in the package's README. */
function readActions(): readonly string[] {
  const readme = readFileSync(join(import.meta.dirname, "../../../packages/consumer/README.md"), "utf8");
  const [, [, json = "{}"] = []] = readme.matchAll(/```json\n([\s\S]*?)```/g);
  return JSON.parse(json).Statement.flatMap(({ Action }: { Action: readonly string[] }) => Action);
}

function createLife(handler: keyof typeof TYPES, changes: Readonly<Record<string, string>> = {}) {
  const lambda = createMortalLambda({
    bundle: code.bundle,
    handler,
    answers: answers.url,
    isSilent: true,
    remainingMs: 60_000,
    environment: { ...environment, ...changes },
  });
  started.push(lambda);
  return createResourceLife({
    clock: systemClock,
    endpoint: sim.answers,
    ...CONSUMER,
    logicalId: handler,
    stackName: `stack-${started.length}`,
    invoke: (request) => lambda.invoke({ ...Object(request), ResourceType: TYPES[handler] }),
  });
}

describe("the custom resources of a template, in processes of their own", () => {
  it("have the initial set started, with the shortest session", async () => {
    const life = createLife("initialSet");

    const created = await life.create({ Version: "1.0" });
    const deleted = await life.delete();

    expect([created.status, deleted.status]).toEqual(["CREATE_COMPLETE", "DELETE_COMPLETE"]);
    expect(sim.stepFunctions.executions.map(({ input }) => JSON.parse(input))).toEqual([
      { AccountId: CONSUMER.account, Region: CONSUMER.region },
    ]);
    const assumed = sim.calls.filter(({ operation }) => operation === "STS.AssumeRole");
    expect(assumed.at(-1)?.input).toMatchObject({
      DurationSeconds: 900,
      ExternalId: "yard",
      RoleSessionName: `stackyard-${CONSUMER.account}-${CONSUMER.region}`,
    });
    expect(
      sim.eventBridge.waiting.flatMap((event) => (event.source === "stackyard.consumer" ? event["detail-type"] : [])),
    ).toEqual(["consumer.registered", "consumer.unregistered"]);
  });

  it("report an invalid environment, and are deleted nevertheless", async () => {
    const life = createLife("initialSet", { INITIAL_DISTRIBUTION_ROLE: "hunter2" });

    const created = await life.create({ Version: "1.0" });

    expect(created.reason).toMatch(/^CONFIG_INVALID: .*INITIAL_DISTRIBUTION_ROLE must be the ARN of a role/s);
    expect(created.reason).not.toContain("hunter2");
    expect(created.followedBy.map(({ status }) => status)).toEqual(["DELETE_COMPLETE"]);
  });

  it("empty the bucket if the property requests it", async () => {
    const life = createLife("bucket");
    await life.create({ BucketName: `${BUCKET}-2`, EmptyOnDelete: true });
    sim.s3.write(`${BUCKET}-2`, "a", "1");

    expect((await life.delete()).status).toBe("DELETE_COMPLETE");
    expect(sim.s3.hasBucket(`${BUCKET}-2`)).toBe(false);
  });

  it("make the bucket, keep it, and adopt it in the next stack", async () => {
    const properties = { BucketName: BUCKET };

    const first = createLife("bucket");
    const created = await first.create(properties);
    await first.delete();
    const adopted = await createLife("bucket").create(properties);

    expect([created, adopted].map(({ answer }) => answer?.Data)).toEqual([
      { Bucket: BUCKET, Adopted: "false" },
      { Bucket: BUCKET, Adopted: "true" },
    ]);
  });
});
