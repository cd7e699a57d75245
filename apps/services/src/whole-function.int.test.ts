import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createStateManager, openServices } from "@stackyard/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createServicesFunction } from "./create-services-function.ts";
import { type Account, MACHINE, MAPPING, startAccount } from "./testing/start-account.ts";

const KEY = Buffer.alloc(32, 7);
const CONFIG = {
  plugins: [
    { use: "@stackyard/hosts", options: { hosts: { ci: { type: "standard", secrets: [{ env: "CI_SECRET" }] } } } },
    "@stackyard/executor-ecs",
  ],
};
const TICK = { source: "aws.events", "detail-type": "Scheduled Event" };

let account: Account;
let manager: ReturnType<typeof createStateManager>["handler"];
let aheadMs = 0;
const folders: string[] = [];

beforeAll(async () => {
  account = await startAccount();
  await account.write("machines/preview.yaml", MACHINE);
  await account.write("project/stackyard.config.json", JSON.stringify(CONFIG));
  manager = createStateManager({ environment: { ...account.environment, ...account.old } }).handler;
  // Creates the work table.
  await manager(TICK, { getRemainingTimeInMillis: () => 60_000 });
});
afterAll(async () => {
  await account.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const startedAt = Date.now();
/** Runs 20 times as slowly, so that on a busy machine the time of an invocation is not over before its work. */
function readSlowClock(): number {
  return startedAt + Math.floor((Date.now() - startedAt) / 20) + aheadMs;
}

/** An instance of the function, as Lambda invokes it with so much time left. */
function createInstance(environment: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "services-"));
  folders.push(folder);
  const clock: Clock = { ...systemClock, now: readSlowClock };
  const { handler } = createServicesFunction({
    environment: { ...account.environment, CI_SECRET: `whsec_${KEY.toString("base64")}`, ...environment },
    folder,
    clock,
    telemetry: { logger: silentLogger, invoke: (_, run) => run() },
  });
  return (event: unknown, leftMs = 9_000) => handler(event, { getRemainingTimeInMillis: () => leftMs });
}

interface Delivery {
  readonly path?: string;
  readonly method?: string;
  readonly stage?: string;
  readonly isSigned?: boolean;
}

function toDelivery(
  id: string,
  body: string,
  { path = "/hooks/ci", method = "POST", stage = "$default", isSigned = true }: Delivery = {},
) {
  const at = Math.floor(readSlowClock() / 1_000);
  const signature = createHmac("sha256", KEY).update(`${id}.${at}.${body}`).digest("base64");
  return {
    version: "2.0",
    rawPath: stage === "$default" ? path : `/${stage}${path}`,
    rawQueryString: "",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(at),
      ...(isSigned && { "webhook-signature": `v1,${signature}` }),
    },
    body: Buffer.from(body).toString("base64"),
    isBase64Encoded: true,
    requestContext: {
      domainName: "hooks.example.org",
      requestId: `request-${id}`,
      stage,
      http: { method, sourceIp: "192.0.2.1" },
    },
  };
}

/** What the state manager has recorded of a stack, oldest first. */
async function listHistory(stackId: string): Promise<readonly unknown[]> {
  const { environment } = account;
  const { deps, close } = await openServices({ environment, logger: silentLogger, resolvePath: (path) => path });
  const { items } = await deps.store.queries.listHistory({ stackId }, { limit: 20 });
  await close();
  return items.map(({ event, outcome, actor }) => [event, outcome, actor]);
}

const built = (number: number) => JSON.stringify({ type: "built", number });
const textOf = (answer: { readonly body: string } | undefined) => Buffer.from(answer?.body ?? "", "base64").toString();

describe("the function of services", () => {
  it("keeps deliveries until they can be mapped, and two ticks at once publish one event", {
    tags: "app",
  }, async () => {
    const receiver = createInstance();
    const answer = await receiver(toDelivery("first", built(7)));
    const early = await account.settle(manager);
    await account.write("project/hooks/ci.yaml", MAPPING);
    aheadMs += 120_000;

    await Promise.all([createInstance()(TICK), createInstance()(TICK), receiver(TICK)]);
    const events = await account.settle(manager);

    expect([answer?.statusCode, early, events.length]).toEqual([202, [], 1]);
    expect(events[0]).toContain("shop-pr-7");
  });

  it("publishes the event of a delivery at once, and knows it when it comes again", async () => {
    const instance = createInstance();
    const delivery = toDelivery("second", built(8), { stage: "live" });

    const statuses = [(await instance(delivery))?.statusCode, (await instance(delivery))?.statusCode];
    const events = await account.settle(manager);

    expect([statuses, events.length]).toEqual([[202, 200], 1]);
    expect(events[0]).toContain("shop-pr-8");
    // "allow" of the machine sees the sender that the service has verified.
    expect(await listHistory("shop-pr-8")).toEqual([["OPENED", "applied", "ci"]]);
  });

  it("refuses requests as a server does", async () => {
    const instance = createInstance();
    const large = JSON.stringify({ type: "built", number: 9, text: "x".repeat(70_000) });

    const answers = [
      await instance(toDelivery("third", built(9), { isSigned: false })),
      await instance(toDelivery("third", large)),
      await instance(toDelivery("third", "", { method: "GET" })),
      await instance(toDelivery("third", built(9), { path: "/v1/stacks" })),
    ];

    expect(answers.map((each) => each?.statusCode)).toEqual([401, 413, 405, 404]);
    expect(textOf(answers[0])).toContain("HOOK_SIGNATURE");
    expect(answers[0]?.headers).toMatchObject({ "x-request-id": "request-third", "cache-control": "no-store" });
    expect(await account.settle(manager)).toEqual([]);
  });

  it("continues with the previous configuration while the new one is wrong", async () => {
    const instance = createInstance();
    await instance(TICK, 8_100);
    await account.write(
      "project/stackyard.config.json",
      JSON.stringify({ plugins: [{ use: "@stackyard/hosts", options: 7 }] }),
    );
    aheadMs += 61_000;

    const answer = await instance(toDelivery("fourth", built(10)));

    expect(answer?.statusCode).toBe(202);
    await expect(createInstance()(TICK)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await account.write("project/stackyard.config.json", JSON.stringify(CONFIG));
  });

  it("needs addresses that begin with https://", async () => {
    const server = { url: "https://console.example.org", servicesUrl: "http://hooks.example.org", port: 7070 };
    await account.write("other/stackyard.config.json", JSON.stringify({ ...CONFIG, server }));

    await expect(createInstance({ PROJECT_PREFIX: "other/" })(TICK)).rejects.toThrow(
      "stackyard.config.json: server: servicesUrl must",
    );
    await account.write("other/stackyard.config.json", JSON.stringify({ ...CONFIG, server: { url: server.url } }));
    await expect(createInstance({ PROJECT_PREFIX: "other/" })(TICK)).resolves.toBeUndefined();
  });

  it.each([
    ["an unknown event", {}, { Records: [] }, "EVENT_INVALID"],
    ["a prefix without a slash", { PROJECT_PREFIX: "project" }, TICK, "CONFIG_INVALID"],
    ["a prefix without a configuration", { PROJECT_PREFIX: "none/" }, TICK, "CONFIG_INVALID"],
    ["no queue of events", { SQS_EVENT_QUEUE_URL: "" }, TICK, "CONFIG_INVALID"],
  ])("fails for %s", async (_, environment, event, code) => {
    await expect(createInstance(environment)(event)).rejects.toMatchObject({ code });
  });
});
