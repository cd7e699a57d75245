import { answerLambda, answerReleaseServices, createAwsSim, openFrontDoor } from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";
import { createStateManager, createTaskRunner } from "@stackyard/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { RUNNER_PARAMETERS, YARD_PARAMETERS } from "../testing/a-yard.ts";
import { findGrants, type Grant } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { ACCOUNT, REGION, resolveTemplate } from "../testing/resolve-template.ts";
import { type Deployment, findDenied, findUnused, startDeployment } from "../testing/start-deployment.ts";
import { toIamCalls } from "../testing/to-iam-calls.ts";

const APP = `
version: 2
events: { OPENED: {}, RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { RELEASED: MOVE } }
  MOVE: { tasks: [alias], on: { NEXT: LIVE } }
tasks: { alias: { executor: lambda, config: { name: move-alias } } }
`;
const RELEASE = `
version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states:
  INIT: { on: { RELEASED: PRODUCTION } }
  PRODUCTION: { tasks: [images, production], on: { NEXT: DONE } }
  DONE: { tasks: [report] }
tasks:
  report: { executor: lambda, config: { name: report } }
  images: { executor: gate, config: { artifacts: { api: 1.42.0 } } }
  production:
    executor: deploy
    needs: [images]
    config: { stacks: prod, event: RELEASED, metadata: { api: "\${metadata.api}" }, until: [LIVE], alarms: [shop-prod-errors] }
`;
const IN_WINDOW = RELEASE.replace("until: [LIVE],", "until: [LIVE], window: always,");
const ALWAYS = 'version: 1\nzone: UTC\nopen: [{ days: mon-sun, from: "00:00", to: "00:00" }]';
const CONTEXT = { getRemainingTimeInMillis: () => 300_000 };
const PLACE = { account: ACCOUNT, region: REGION } as const;
const DISTRIBUTOR = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:stackyard-distributor`;
const FUNCTIONS = ["move-alias", "report"].map((name) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`);
const PARAMETERS = {
  FunctionArns: FUNCTIONS.join(","),
  DistributorArn: DISTRIBUTOR,
  ReadAlarms: "true",
};

/** The policies that promotion needs besides those of every runner. */
const OWN = new Set(["Functions", "Distributor", "Alarms"]);
const isOwn = ({ policy }: Grant) => OWN.has(policy);

const stops: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const stop of stops) await stop();
});

/**
 * Lambda and CloudWatch. Its clock is ahead, so the alarm changes after the first event, and its history is asked.
 * `onReport`: the release has ended.
 */
function createAccount(onReport: () => void) {
  const sim = createAwsSim({ clock: { ...systemClock, now: () => systemClock.now() + 60_000 } });
  sim.cloudWatch.addAlarm({ ...PLACE, name: "shop-prod-errors" });
  const counts = { files: 1, filesDone: 1, announcements: 1, verified: true };
  const cell = { ...PLACE, ...counts, status: "stored", code: null, at: "2026-01-01T00:00:00Z" };
  const version = { name: "api", version: "1.42.0", manifestSha256: "0".repeat(64) };
  const row = { ...version, publishedAt: "2026-01-01T00:00:00Z", covered: true, retired: false, cells: [cell] };
  sim.lambda.addFunction({
    ...PLACE,
    name: "stackyard-distributor",
    handler: () => ({ kind: "answer", answer: { rows: [row] } }),
  });
  sim.lambda.addFunction({ ...PLACE, name: "move-alias", handler: () => ({}) });
  sim.lambda.addFunction({ ...PLACE, name: "report", handler: () => onReport() });
  return sim;
}

/** A release, and the variables of the runner that works it. */
interface ReleaseInput {
  readonly release: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Plays a release with the variables of a template, and returns all calls of state manager and runner. */
async function playRelease(yard: Deployment, { release, variables }: ReleaseInput) {
  const ended = Promise.withResolvers<void>();
  const sim = createAccount(ended.resolve);
  const door = await openFrontDoor({
    services: { ...answerReleaseServices(sim), lambda: answerLambda(sim) },
    others: "http://127.0.0.1:9",
  });
  stops.push(door.stop);
  const { accessKeyId, secretAccessKey } = sim.iam.addUser({ account: ACCOUNT, name: "runner" });
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const doors = { AWS_ENDPOINT_URL_LAMBDA: door.url, AWS_ENDPOINT_URL_CLOUDWATCH: door.url };
  const manager = createStateManager({ environment: yard.environmentOf("StateManagerFunction") });
  const environment = { ...variables, ...keys, ...doors };
  const runner = createTaskRunner({ environment });
  await yard.putMachine("app.yml", APP);
  await yard.putMachine("shop-release.yml", release);
  await yard.send("stack-events", { stackId: "prod", machine: "app", event: "OPENED" });
  await manager.handler(await yard.receive("stack-events"), CONTEXT);
  const metadata = { api: "1.42.0" };
  await yard.send("stack-events", { stackId: "shop-1", machine: "shop-release", event: "RELEASED", metadata });
  const invocations: Promise<unknown>[] = [];
  let isOver = false;
  /** As Lambda does: the task of the release waits for the stack that it has sent to, whose task the runner works too. */
  async function follow(queue: string, handler: typeof manager.handler): Promise<void> {
    while (!isOver) {
      const batch = await yard.receive(queue);
      if (batch.Records.length > 0) invocations.push(handler(batch, CONTEXT));
    }
  }
  const loops = [
    follow("stack-events", manager.handler),
    follow("stack-ticks", manager.handler),
    follow("stack-tasks", runner.handler),
  ];
  async function end(): Promise<void> {
    isOver = true;
    await Promise.all([...loops, ...invocations]);
  }
  // Also when the release does not end in time: nothing is asked of emulators that have stopped.
  stops.unshift(end);
  await ended.promise;
  await end();
  return [...yard.takeCalls(), ...sim.calls.flatMap((call) => toIamCalls(call, { account: ACCOUNT }))];
}

describe("the role of a runner that releases", () => {
  it("lets it ask for alarms and artifacts, and call the functions of recipes, and needs every statement", async () => {
    const parameters = { ...YARD_PARAMETERS, ...PARAMETERS, LogLevel: "error" };
    const yard = await startDeployment(JSON.parse(findBody("yard")), parameters);
    stops.push(yard.stop);

    const calls = await playRelease(yard, {
      release: RELEASE,
      variables: yard.environmentOf("TaskRunnerFunction"),
    });

    const grants = findGrants(yard.resolved, "TaskRunnerRole");
    const own = grants.filter(isOwn);
    expect(own.map(({ policy, actions, resources }) => [policy, actions, resources])).toEqual([
      ["Functions", ["lambda:InvokeFunction"], FUNCTIONS],
      ["Distributor", ["lambda:InvokeFunction"], [DISTRIBUTOR]],
      ["Alarms", ["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"], ["*"]],
    ]);
    const ofManager = findGrants(yard.resolved, "StateManagerRole");
    expect(findDenied([...grants, ...ofManager], calls)).toEqual([]);
    expect(findUnused(own, calls)).toEqual([]);
    const used = new Set(calls.map(({ action }) => action));
    expect(own.flatMap(({ actions }) => actions).filter((action) => !used.has(action))).toEqual([]);
    const others = [...grants, ...ofManager].filter((grant) => !isOwn(grant));
    expect(findDenied(others, calls).toSorted()).toEqual(
      [
        ...[DISTRIBUTOR, ...FUNCTIONS].map((arn) => `lambda:InvokeFunction ${arn}`),
        "cloudwatch:DescribeAlarms *",
        "cloudwatch:DescribeAlarmHistory *",
      ].toSorted(),
    );
  });

  it("lets one without the machines read the calendars of its own setting", async () => {
    const yard = await startDeployment(JSON.parse(findBody("yard")), { ...YARD_PARAMETERS, LogLevel: "error" });
    stops.push(yard.stop);
    const alone = resolveTemplate(JSON.parse(findBody("task-runner")), {
      ...RUNNER_PARAMETERS,
      ...PARAMETERS,
      LogLevel: "error",
      RunnersHaveStore: "true",
      StacksTable: "stackyard-main-stacks",
      WorkTable: "stackyard-main-stacks-work",
      CalendarBucket: "machines",
      CalendarPrefix: "shop/calendars/",
    });
    const variables = yard.environmentIn(alone, "TaskRunnerFunction");
    await yard.putMachine("shop/calendars/always.yaml", ALWAYS);

    const calls = await playRelease(yard, { release: IN_WINDOW, variables });

    const grants = findGrants(alone, "TaskRunnerRole").filter(({ policy }) => policy === "Calendars");
    expect(variables).not.toHaveProperty("MACHINE_LOCATOR");
    expect(calls).toContainEqual(
      expect.objectContaining({ action: "s3:GetObject", resource: "arn:aws:s3:::machines/shop/calendars/always.yaml" }),
    );
    expect(grants.map(({ sid, actions, resources, conditions }) => [sid, actions, resources, conditions])).toEqual([
      // Without it, S3 reports a missing calendar as forbidden.
      ["List", ["s3:ListBucket"], ["arn:aws:s3:::machines"], { StringLike: { "s3:prefix": "shop/calendars/*" } }],
      ["Read", ["s3:GetObject"], ["arn:aws:s3:::machines/shop/calendars/*"], {}],
    ]);
    expect(findUnused(grants, calls)).toEqual(["Calendars List"]);
  });
});
