import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, defineExecutor, silentLogger, succeeded } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { APP_ID, APP_KEY, type HostSim, startHostSim, toUserId } from "@stackyard/host-sim";
import { createStateManager, createTaskRunner } from "@stackyard/runtime";
import { Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createServicesFunction } from "./create-services-function.ts";
import { type Account, startAccount } from "./testing/start-account.ts";

const SHOP = "acme/shop";
const SECRET = "a-secret-of-the-tests";
const HEAD = "a".repeat(40);
const MAPPING = `
host: github
when: "hook.repository.fullName == '${SHOP}'"
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }
  closed: { send: CLOSED }
`;
const MACHINE = `
version: 2
events: [OPENED, CLOSED]
states:
  INIT: { on: { OPENED: REVIEW } }
  REVIEW: { tasks: [plan, sign-off, apply], on: { NEXT: LIVE, CLOSED: GONE } }
  LIVE: { on: { CLOSED: GONE } }
  GONE: { terminal: true, tasks: [destroy] }
tasks:
  plan: { executor: work, config: {} }
  sign-off: { executor: approval, needs: [plan], config: { from: [release-managers] } }
  apply: { executor: work, needs: [sign-off], config: {}, outputs: { url: url } }
  destroy: { executor: work, config: {} }
`;
const SCHEDULE = { source: "aws.events", "detail-type": "Scheduled Event" };
/** Between two ticks of the services, on their clock. */
const TICK_MS = 20_000;

let account: Account;
let github: HostSim;
let aheadMs = 0;
const folder = mkdtempSync(join(tmpdir(), "services-"));
const done: string[] = [];

beforeAll(async () => {
  [account, github] = await Promise.all([startAccount(), startHostSim({ secret: SECRET, now: Date.now })]);
  github.addRepository(SHOP);
  const people = { ada: { id: toUserId("ada"), subject: "00u2", groups: ["release-managers"] } };
  const host = {
    type: "github",
    secrets: [{ env: "SECRET" }],
    appId: APP_ID,
    key: { env: "KEY" },
    url: github.url,
    people,
  };
  const config = { plugins: [{ use: "@stackyard/hosts", options: { hosts: { github: host } } }] };
  await account.write("project/stackyard.config.json", JSON.stringify(config));
  await account.write("project/hooks/shop.yaml", MAPPING);
  await account.write("machines/preview.yaml", MACHINE);
});
afterAll(async () => {
  await Promise.all([account.stop(), github.stop()]);
  rmSync(folder, { recursive: true });
});

/** The functions of a yard as Lambda holds them. */
function createFunctions() {
  const environment = { ...account.environment, RUNNERS_HAVE_STORE: "true", EXECUTORS: "work" };
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  const work = defineExecutor({
    name: "work",
    config: Type.Object({}),
    async start({ stackId, task }) {
      done.push(task);
      return succeeded({ url: `https://${stackId}.example.org` });
    },
  });
  return {
    manager: createStateManager({ environment: { ...environment, ...account.old } }).handler,
    runner: createTaskRunner({ environment, executors: [work] }).handler,
    services: createServicesFunction({
      environment: { ...environment, SECRET, KEY: APP_KEY },
      folder,
      clock,
      telemetry: { logger: silentLogger, invoke: (_, run) => run() },
    }).handler,
  };
}

describe("a pull request in a yard of functions", () => {
  it("gets a preview that a comment approves, and that ends with it", async () => {
    const { manager, runner, services } = createFunctions();
    const context = { getRemainingTimeInMillis: () => 60_000 };
    // The services do what is due within this, without the 8 s that an invocation spares.
    const short = { getRemainingTimeInMillis: () => 8_300 };
    github.settings.receiver = async ({ headers, body }) => {
      const http = { method: "POST", sourceIp: "192.0.2.1" };
      const answer = await services(
        {
          version: "2.0",
          rawPath: "/hooks/github",
          rawQueryString: "",
          headers,
          body: Buffer.from(body).toString("base64"),
          isBase64Encoded: true,
          requestContext: { domainName: "hooks.example.org", requestId: "request", stage: "$default", http },
        },
        short,
      );
      return answer?.statusCode ?? 500;
    };
    /** Plays the part of Lambda: schedules and queues, until the comment of the yard says this. */
    const untilComment = (text: RegExp) =>
      vi.waitFor(
        async () => {
          await manager(SCHEDULE, context);
          await account.settle(manager);
          while ((await account.settle(runner, "tasks")).length > 0) await account.settle(manager);
          aheadMs += TICK_MS;
          await services(SCHEDULE, short);
          const [comment] = github.reports.comments.filter(({ appId }) => appId !== undefined);
          expect(comment?.body).toMatch(text);
          return text.exec(comment?.body ?? "")?.[1];
        },
        { timeout: 60_000, interval: 50 },
      );
    // Creates the work table, and the follower begins with the newest line.
    await manager(SCHEDULE, context);
    await services(SCHEDULE, short);

    const number = await github.openPull(SHOP, { head: HEAD });
    const code = await untilComment(/waits for approval.*\/preview approve ([0-9a-f]{16})/s);
    expect(done).toEqual(["plan"]);
    await github.comment(SHOP, number, `/preview approve ${code}`, "ada");
    await untilComment(/is ready.*https:\/\/shop-pr-1\.example\.org/s);
    await github.closePull(SHOP, number);
    await untilComment(/has ended/);

    expect(done).toEqual(["plan", "apply", "destroy"]);
    const reports = github.reports;
    expect(reports.comments.filter(({ appId }) => appId !== undefined).length).toBe(1);
    expect(reports.checks.map(({ set }) => set["conclusion"])).toEqual(["success"]);
  });
});
