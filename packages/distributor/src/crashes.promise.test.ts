import { createAwsSim } from "@stackyard/aws-sim";
import { type Records, silentLogger } from "@stackyard/core";
import { createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { toManifestText } from "@stackyard/sdk/artifacts";
import { describe, expect, it } from "vitest";
import { createDistributor } from "./distributor.ts";
import { PLACE, T0 } from "./testing/a-cell.ts";
import { aRegistration, SOURCE } from "./testing/a-distributor-world.ts";
import { toSha256 } from "./testing/a-source.ts";
import { createPassingClock } from "./testing/passing-clock.ts";
import { openSimClients } from "./testing/sim-clients.ts";

const KEY = "artifacts/app/1/manifest.json";
const FILES = ["a", "b"].map((name) => ({ key: `artifacts/app/1/${name}`, size: 1, sha256: toSha256(name) }));
const OTHER = { account: "444455556666", region: "us-east-1" };

/** A process that dies at one of its calls of anything, before it is made or after it was served, until another takes its place. */
function createWorld(when: "before" | "after") {
  const clock = createPassingClock(T0);
  const sim = createAwsSim({ clock });
  const { credentials, s3, sns, events, states } = openSimClients(sim, SOURCE);
  sim.s3.createBucket({ ...SOURCE, name: "source", versioned: true });
  const topicArn = sim.sns.addTopic({ ...SOURCE, name: "artifacts" });
  const covered: unknown[] = [];
  sim.eventBridge.addRule({
    ...SOURCE,
    pattern: { source: ["stackyard.distributor"] },
    target: async (event: unknown) => void covered.push(event),
  });
  let [calls, diesAt, isDead] = [0, Number.POSITIVE_INFINITY, false];

  async function guard<Result>(call: () => Promise<Result>): Promise<Result> {
    calls += 1;
    const isLast = calls === diesAt;
    if (isDead || (isLast && when === "before")) {
      isDead = true;
      throw new Error("The process died.");
    }
    const result = await call();
    if (!isLast) return result;
    isDead = true;
    throw new Error("The process died.");
  }

  function mortal<Client extends object>(client: Client): Client {
    const { send } = client as { send: (...given: readonly unknown[]) => Promise<unknown> };
    return Object.assign(client, { send: (...given: readonly unknown[]) => guard(() => send.call(client, ...given)) });
  }
  const clients = { s3: mortal(s3), sns: mortal(sns), events: mortal(events), states: mortal(states) };
  const memory = createMemoryRecords();
  const records: Records = {
    get: (...given) => guard(() => memory.get(...given)),
    put: (...given) => guard(() => memory.put(...given)),
    remove: (...given) => guard(() => memory.remove(...given)),
    list: (...given) => guard(() => memory.list(...given)),
  };
  function start() {
    return createDistributor({
      config: {
        ...SOURCE,
        bucket: "source",
        prefix: "artifacts/",
        topicArn,
        trustedAccounts: [PLACE.account, OTHER.account],
      },
      ...clients,
      records,
      clock,
      random: createRandom(1),
      credentials: async () => credentials,
      write: () => undefined,
      logger: silentLogger,
    });
  }
  let distributor = start();

  /** An event that was not taken comes again. */
  async function bring(event: unknown): Promise<void> {
    try {
      await distributor.handle(event);
    } catch {
      await revive();
      await distributor.handle(event);
    }
  }

  async function revive(): Promise<void> {
    [isDead, diesAt, distributor] = [false, Number.POSITIVE_INFINITY, start()];
    await clock.advance(120_000);
  }

  for (const { key } of FILES) sim.s3.write("source", key, key.slice(-1));
  const manifest = { v: 1 as const, name: "app", version: "1", createdAt: "2026-11-20T06:00:00Z", files: FILES };
  sim.s3.write("source", KEY, toManifestText(manifest));
  return {
    sim,
    covered,
    bring,
    revive,
    clock,
    memory,
    sent: () => sim.sns.published(topicArn).map(({ body }) => JSON.parse(body)),
    dieAt: (at: number) => {
      [calls, diesAt] = [0, at];
    },
    calls: () => calls,
  };
}

const CREATED = {
  source: "aws.s3",
  "detail-type": "Object Created",
  account: SOURCE.account,
  detail: { bucket: { name: "source" }, object: { key: KEY } },
};

function aReceipt(place: typeof PLACE | typeof OTHER, { key, sha256 }: (typeof FILES)[number], status = "stored") {
  const detail = {
    v: 1,
    artifact: { name: "app", version: "1", key },
    ...place,
    status,
    verified: true,
    code: status === "failed" ? "SOURCE_DENIED" : null,
    sourceSha256: sha256,
    storedSha256: sha256,
    at: "2026-11-20T06:00:05Z",
    bucket: `bucket-${place.account}-${place.region}`,
  };
  return { ...aRegistration(place), "detail-type": "artifact.receipt", detail };
}

/** From the manifest to the last receipt, two of which come twice, and one too late. */
const EVENTS = [
  ...[aRegistration(PLACE), aRegistration(OTHER), CREATED],
  ...[PLACE, OTHER].flatMap((place) => FILES.map((file) => aReceipt(place, file))),
  ...FILES.map((file) => aReceipt(OTHER, file)),
  ...[...FILES.slice(0, 1).map((file) => aReceipt(PLACE, file, "failed")), CREATED, { op: "schedule" }],
];

describe("a process that dies between a manifest and the last receipt", () => {
  it.each(["before", "after"] as const)("leaves nothing undone, at whatever call (%s it is made)", async (when) => {
    let deaths = 0;
    for (let at = 1; ; at += 1) {
      const world = createWorld(when);
      world.dieAt(at);

      for (const event of EVENTS) await world.bring(event);
      const isEnd = world.calls() < at;
      await world.revive();
      await world.bring({ op: "schedule" });

      const messages = world.sent().filter(({ target }) => target.account === "ALL");
      expect(new Set(messages.map((each) => each.ArtifactKey))).toEqual(new Set(FILES.map(({ key }) => key)));
      expect(new Set(world.sent().map((each) => `${each.sequence} ${each.distributionId}`)).size).toBe(1);
      await world.sim.eventBridge.deliver();
      expect([1, 2]).toContain(world.covered.length);
      const left = await world.memory.list("outbox/", { limit: 10, now: world.clock.now() });
      expect(left.items).toEqual([]);
      const { value } = (await world.memory.get("coverage/app/1", world.clock.now())) ?? {};
      expect(value).toMatchObject({ settledAt: expect.any(Number), toldAt: expect.any(Number) });
      if (isEnd) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(60);
  });
});
