import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LambdaContext } from "@stackyard/aws";
import { createQuickClock, type Play, silenceEachCall } from "@stackyard/lambda-host";
import { createStateManager } from "@stackyard/runtime";
import { expect, it } from "vitest";
import { createServicesFunction } from "./create-services-function.ts";
import { MACHINE, MAPPING, startAccount } from "./testing/start-account.ts";

const KEY = Buffer.alloc(32, 7);
const HOST = { type: "standard", secrets: [{ env: "CI_SECRET" }] };
const CONFIG = { plugins: [{ use: "@stackyard/hosts", options: { hosts: { ci: HOST } } }] };
const TICK = { source: "aws.events", "detail-type": "Scheduled Event" };

function toDelivery(number: number, now: number) {
  const at = Math.floor(now / 1_000);
  const id = `delivery-${number}`;
  const body = JSON.stringify({ type: "built", number });
  const signature = createHmac("sha256", KEY).update(`${id}.${at}.${body}`).digest("base64");
  return {
    version: "2.0",
    rawPath: "/hooks/ci",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(at),
      "webhook-signature": `v1,${signature}`,
    },
    body,
    requestContext: { domainName: "hooks.example.org", requestId: id, http: { method: "POST" } },
  };
}

async function startPlay(): Promise<Play> {
  const account = await startAccount(0);
  const folder = mkdtempSync(join(tmpdir(), "services-silent-"));
  const quick = createQuickClock(2);
  let aheadMs = 0;
  const clock = { ...quick, now: () => quick.now() + aheadMs };
  const told: unknown[] = [];
  const add = (...line: readonly unknown[]) =>
    void told.push(JSON.stringify(line, (_key, value) => (value instanceof Error ? String(value) : value)));
  const logger = { debug: add, info: add, warn: add, error: add };
  const manager = createStateManager({ environment: { ...account.environment, ...account.old } }).handler;
  const { handler } = createServicesFunction({
    environment: { ...account.environment, CI_SECRET: `whsec_${KEY.toString("base64")}` },
    folder,
    clock,
    telemetry: { logger, invoke: (_fields, work) => work() },
  });
  return {
    clock,
    functionMs: 58_000,
    door: account.door,
    others: [account.old["AWS_ACCESS_KEY_ID"] ?? ""],
    told,
    async run(invoke) {
      const call = (label: string, event: unknown) =>
        invoke(label, (context: LambdaContext) => handler(event, context)).catch(() => undefined);
      await account.write("machines/preview.yaml", MACHINE);
      await account.write("project/stackyard.config.json", JSON.stringify(CONFIG));
      // Creates the work table.
      await manager(TICK, { getRemainingTimeInMillis: () => 60_000 });
      await call("early delivery", toDelivery(1, clock.now()));
      await account.write("project/hooks/ci.yaml", MAPPING);
      aheadMs += 120_000;
      await call("tick", TICK);
      await call("delivery", toDelivery(2, clock.now()));
      const events = await account.settle(manager);
      // Events have ids, so one that is sent again counts once.
      return [...new Set(events.map((event) => /shop-pr-\d/.exec(event)?.[0]))].toSorted();
    },
    async stop() {
      await account.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

it("answers in time when any call of AWS is silent, and names the call", async () => {
  const silenced = await silenceEachCall(startPlay);

  expect(silenced.length).toBeGreaterThan(10);
  expect(silenced.filter(({ late }) => late.length > 0)).toEqual([]);
  expect(silenced.filter(({ isNamed, isAsGood }) => !isNamed && !isAsGood)).toEqual([]);
});
