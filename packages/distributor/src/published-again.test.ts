import { type AwsEvent, createAwsSim } from "@stackyard/aws-sim";
import { createMemoryRecords, createRandom } from "@stackyard/core/testing";
import { toManifestText } from "@stackyard/sdk/artifacts";
import { beforeEach, describe, expect, it } from "vitest";
import { createDistributor } from "./distributor.ts";
import { PLACE, T0 } from "./testing/a-cell.ts";
import { aRegistration, SOURCE } from "./testing/a-distributor-world.ts";
import { toSha256 } from "./testing/a-source.ts";
import { mortalRecords } from "./testing/mortal-records.ts";
import { createPassingClock } from "./testing/passing-clock.ts";
import { openSimClients } from "./testing/sim-clients.ts";

const DAY = 86_400_000;

/** A distributor that keeps versions for one day, and one consumer that stores all that it is sent. */
function createWorld() {
  const clock = createPassingClock(T0);
  const sim = createAwsSim({ clock });
  const { credentials, ...clients } = openSimClients(sim, SOURCE);
  sim.s3.createBucket({ ...SOURCE, name: "source", versioned: true });
  const topicArn = sim.sns.addTopic({ ...SOURCE, name: "artifacts" });
  const covered: unknown[] = [];
  sim.eventBridge.addRule({
    ...SOURCE,
    pattern: { source: ["stackyard.distributor"] },
    target: async (event: unknown) => void covered.push((event as AwsEvent).detail),
  });
  let left = Number.POSITIVE_INFINITY;
  const distributor = createDistributor({
    config: {
      ...SOURCE,
      bucket: "source",
      prefix: "artifacts/",
      uploadPrefix: "uploads/",
      topicArn,
      keepDays: 1,
      trustedAccounts: [PLACE.account],
    },
    ...clients,
    records: mortalRecords(createMemoryRecords(), () => left--),
    clock,
    random: createRandom(1),
    credentials: async () => credentials,
    write: () => undefined,
  });
  const created = (key: string) =>
    distributor.handle({
      source: "aws.s3",
      "detail-type": "Object Created",
      account: SOURCE.account,
      detail: { bucket: { name: "source" }, object: { key } },
    });

  /** Puts an artifact of two files into the bucket as `publish` does. */
  function write(version: string, content = version, order: readonly string[] = ["a", "b"]): string {
    const files = order.map((name) => {
      const key = `artifacts/app/${version}/${name}`;
      sim.s3.write("source", key, content + name);
      return { key, size: content.length + 1, sha256: toSha256(content + name) };
    });
    const createdAt = new Date(clock.now()).toISOString();
    const manifestKey = `artifacts/app/${version}/manifest.json`;
    sim.s3.write("source", manifestKey, toManifestText({ v: 1, name: "app", version, createdAt, files }));
    return manifestKey;
  }

  let heard = 0;
  const sent = () => sim.sns.published(topicArn).map(({ body }) => JSON.parse(body));
  /** Every message that was not answered yet is, or the answer to it is lost. */
  async function answer(
    status: "stored" | "present" = "stored",
    isAnswered: (message: { readonly sequence: number }) => boolean = () => true,
  ): Promise<void> {
    const messages = sent().slice(heard);
    heard += messages.length;
    for (const { ArtifactKey: key, artifact } of messages.filter(isAnswered)) {
      const { name, version, sha256 } = artifact;
      const detail = {
        v: 1,
        artifact: { name, version, key },
        ...PLACE,
        status,
        code: null,
        verified: true,
        sourceSha256: sha256,
        storedSha256: sha256,
        at: new Date(clock.now()).toISOString(),
        bucket: "b",
      };
      await distributor.handle({ ...aRegistration(PLACE), "detail-type": "artifact.receipt", detail });
    }
    await sim.eventBridge.deliver();
  }
  return {
    clock,
    sim,
    distributor,
    covered,
    write,
    created,
    sent,
    answer,
    die: (calls: number) => {
      left = calls;
    },
    isDead: () => left < 0,
    look: () => distributor.handle({ op: "schedule" }),
  };
}

let world: ReturnType<typeof createWorld>;

/** Version 1 has stood everywhere, version 2 has followed, and retention has removed version 1. */
async function removeFirst(): Promise<void> {
  await removeLater();
  expect(await world.look()).toMatchObject({ removed: 1 });
}

/** The same, and retention has not been there yet. */
async function removeLater(): Promise<void> {
  world = createWorld();
  await world.distributor.handle(aRegistration(PLACE));
  for (const version of ["1", "2"]) {
    await world.created(world.write(version));
    await world.answer();
    await world.clock.advance(1_000);
  }
  await world.clock.advance(2 * DAY);
}

async function list(name = "app"): Promise<unknown> {
  const reply = (await world.distributor.handle({ op: "coverage", name })) as { answer: { rows: object[] } };
  return reply.answer.rows;
}

describe("a version that was removed from the source, and is published again", () => {
  beforeEach(removeFirst);

  it("is announced with its new objects, and is covered when all consumers have answered", async () => {
    const before = world.sent().length;

    const outcome = await world.created(world.write("1", "1", ["b", "a"]));

    expect(outcome).toMatchObject([{ kind: "published", messages: 2 }]);
    const [first, second] = world.sent().slice(before);
    expect(first).toMatchObject({ sequence: 3, artifact: { version: "1" } });
    expect(first.source.versionId).toBe(world.sim.s3.findObject("source", first.ArtifactKey)?.versionId);
    expect(second.distributionId).toBe(first.distributionId);
    expect(await list()).toMatchObject([{ covered: false, cells: [{ status: "announced" }] }, { covered: true }]);
    await world.answer("present");
    expect(await list()).toMatchObject([{ covered: true, cells: [{ status: "present" }] }, { covered: true }]);
    expect(world.covered).toMatchObject([{ version: "1" }, { version: "2" }, { version: "1" }]);
  });

  it("is the newest now, and is announced no more than once", async () => {
    const key = world.write("1");
    await world.created(key);
    await world.answer("present");

    expect(await world.created(key)).toMatchObject([{ kind: "known" }]);
    // Version 2 is older, and current no more.
    expect(await world.look()).toMatchObject({ removed: 1, announced: 0 });
    expect(await list()).toMatchObject([{ version: "1" }]);
  });

  it("is removed again when its time is over", async () => {
    await world.created(world.write("1"));
    await world.answer("present");
    await world.clock.advance(2 * DAY);
    await world.created(world.write("3"));

    expect(await world.look()).toMatchObject({ removed: 2 });
    expect(await list()).toMatchObject([{ version: "3" }]);
  });

  it("is rejected with other content", async () => {
    expect(await world.created(world.write("1", "other"))).toMatchObject([
      { kind: "refused", refusal: { code: "VERSION_CONFLICT" } },
    ]);
  });

  it("is announced although a process dies, at whatever call", async () => {
    for (let calls = 0; ; calls += 1) {
      await removeFirst();
      const before = world.sent().length;
      const key = world.write("1");

      world.die(calls);
      await world.created(key).catch(() => undefined);
      const isDead = world.isDead();
      world.die(Number.POSITIVE_INFINITY);
      await world.clock.advance(120_000);
      await world.created(key);
      await world.look();
      await world.answer("present");

      const sequences = new Set(
        world
          .sent()
          .slice(before)
          .map(({ sequence }) => sequence),
      );
      expect(Math.max(...sequences)).toBeGreaterThan(2);
      expect(await list()).toMatchObject([{ version: "1", covered: true }]);
      expect(world.covered.length).toBeGreaterThanOrEqual(3);
      if (!isDead) break;
    }
  });
});

describe("a version whose removal did not end", () => {
  const MANIFEST = "artifacts/app/1/manifest.json";

  it.each([0, 1, 2])("is removed by the next look when S3 refuses deletion %i", async (at) => {
    await removeLater();
    for (let deletion = 0; deletion < at; deletion += 1) world.sim.once("S3.DeleteObject", (proceed) => proceed());
    world.sim.once("S3.DeleteObject", () => Promise.reject(new Error("died")));
    await world.look().catch(() => undefined);
    await world.look();

    expect(Object.keys(world.sim.s3.texts("source")).filter((key) => key.startsWith("artifacts/app/1/"))).toEqual([]);
    expect(await world.created(world.write("1"))).toMatchObject([{ kind: "published" }]);
  });

  it("is removed by the next look when a process dies, at whatever call", async () => {
    for (let calls = 0; ; calls += 1) {
      await removeLater();
      world.die(calls);
      await world.look().catch(() => undefined);
      const isDead = world.isDead();
      world.die(Number.POSITIVE_INFINITY);
      await world.look();

      expect(world.sim.s3.findObject("source", MANIFEST)).toBeUndefined();
      if (!isDead) break;
    }
  });

  it("leaves a manifest alone that was published again meanwhile", async () => {
    await removeLater();
    for (const _file of ["a", "b"]) world.sim.once("S3.DeleteObject", (proceed) => proceed());
    world.sim.once("S3.DeleteObject", async (proceed) => {
      await proceed();
      throw new Error("died");
    });
    await world.look().catch(() => undefined);
    const key = world.write("1");
    await world.look();

    expect(world.sim.s3.findObject("source", key)).toBeDefined();
    expect(await world.created(key)).toMatchObject([{ kind: "published" }]);
    await world.look();
    expect(world.sim.s3.findObject("source", key)).toBeDefined();
  });
});

describe("an upload under a key whose first version was removed", () => {
  it("is announced", async () => {
    world = createWorld();
    await world.distributor.handle(aRegistration(PLACE));
    for (const body of ["first", "second"]) {
      world.sim.s3.write("source", "uploads/app/40/a", body);
      await world.created("uploads/app/40/a");
      await world.answer();
      await world.clock.advance(1_000);
    }
    await world.clock.advance(2 * DAY);
    expect(await world.look()).toMatchObject({ removed: 1 });

    world.sim.s3.write("source", "uploads/app/40/a", "third");
    await world.created("uploads/app/40/a");

    expect(world.sent().at(-1)).toMatchObject({ sequence: 3, artifact: { sha256: toSha256("third") } });
  });
});

describe("an upload that was overwritten before all consumers had it", () => {
  it("is no longer expected anywhere: it is not announced again, causes no alarm, and is removed in time", async () => {
    world = createWorld();
    await world.distributor.handle(aRegistration(PLACE));
    for (const body of ["first", "second"]) {
      world.sim.s3.write("source", "uploads/app/40/a", body);
      await world.created("uploads/app/40/a");
      await world.clock.advance(1_000);
    }
    const [, second] = world.sent();
    await world.answer("stored", ({ sequence }) => sequence === second.sequence);

    for (let hours = 0; hours < 6; hours += 1) {
      await world.clock.advance(DAY / 24);
      expect(await world.look()).toMatchObject({ announced: 0, alarmed: 0, removed: 0 });
    }

    expect(await list("app/a")).toMatchObject([
      { version: "40", retired: true, covered: false },
      { version: second.artifact.version, retired: false, covered: true },
    ]);
    await world.clock.advance(DAY);
    expect(await world.look()).toMatchObject({ removed: 1 });
  });
});
