import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { defineExecutor, succeeded } from "@stackyard/core";
import { Type } from "typebox";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { type LambdaServer, startLambda } from "./testing/start-lambda.ts";
import { startManager } from "./testing/start-manager.ts";
import { createRunner } from "./testing/start-runner.ts";

const MACHINE = `
version: 2
events: [OPENED]
states: { INIT: { on: { OPENED: BUILD } }, BUILD: { tasks: [db], on: { NEXT: LIVE } }, LIVE: {} }
tasks:
  db: { executor: work, config: {}, target: preview }
targets:
  preview: { account: "444455556666", region: eu-west-1, role: deployer }
`;

// STS API reference, GetCallerIdentity and AssumeRole.
const ANSWERS: Readonly<Record<string, string>> = {
  GetCallerIdentity: "<Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/runner</Arn>",
  AssumeRole:
    "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2126-01-01T00:00:00Z</Expiration></Credentials>",
};

/** STS on a loopback port; it lets everybody in. */
async function startSts() {
  const assumed: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    const asked = new URLSearchParams(await text(request));
    const action = asked.get("Action") ?? "";
    if (action === "AssumeRole") assumed.push(asked);
    response.writeHead(200, { "content-type": "text/xml" });
    response.end(
      `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${ANSWERS[action]}</${action}Result></${action}Response>`,
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { assumed, stop, url: `http://127.0.0.1:${port}` };
}

let cloud: Cloud;
let lambda: LambdaServer;
let sts: Awaited<ReturnType<typeof startSts>>;
beforeAll(async () => {
  [cloud, lambda, sts] = await Promise.all([startCloud(), startLambda(), startSts()]);
});
afterAll(() => Promise.all([cloud.stop(), lambda.stop(), sts.stop()]));

const work = defineExecutor({
  name: "work",
  config: Type.Object({}),
  async start(ctx) {
    const { accessKeyId } = await ctx.credentials();
    return succeeded({ accessKeyId });
  },
});

it.each([
  ["true", ["main-pr-12-db", "main", "pr-12", "db"]],
  ["false", ["task-runner-main", null, null, null]],
])("a runner with SESSION_TAGS=%s assumes roles with %j", async (SESSION_TAGS, wanted) => {
  const machines = { "review-app": MACHINE };
  const manager = await startManager(cloud, { machines, environment: { EXECUTORS: "work" } });
  const environment = { SESSION_TAGS, AWS_ENDPOINT_URL_STS: sts.url };
  const runner = createRunner({
    cloud,
    lambda,
    manager,
    hasStore: true,
    environment,
    options: { executors: [work] },
  });

  await manager.play({ stackId: "pr-12", event: "OPENED", machine: "review-app" });
  expect(await runner.work()).toEqual([]);

  const names = ["RoleSessionName", ...[1, 2, 3].map((n) => `Tags.member.${n}.Value`)];
  expect(names.map((name) => sts.assumed.at(-1)?.get(name) ?? null)).toEqual(wanted);
});
