import type { Records } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { BUCKET, createSource } from "../testing/a-source.ts";
import { aFile, aManifest } from "../testing/an-artifact.ts";
import { artifactRecordKey, parseArtifactRecord } from "./artifact-record.ts";
import { createPublisher } from "./create-publisher.ts";

/** More than are announced before the progress is kept. */
const FILES = 101;

/** A process that dies at one of its calls, before it is made or after it was served; from then on it does nothing more. */
function createDeath(at: number, when: "before" | "after") {
  let calls = 0;
  let dead = false;
  function die(): never {
    dead = true;
    throw new Error("The process died.");
  }
  return {
    isDead: () => dead,
    async guard<Result>(call: () => Promise<Result>): Promise<Result> {
      calls += 1;
      if (dead || (calls === at && when === "before")) die();
      const result = await call();
      return calls === at ? die() : result;
    },
  };
}

async function createWorld() {
  const source = createSource();
  const { sim, putManifest, records, clock } = source;
  const files = Array.from({ length: FILES }, (_, index) => {
    const key = `billing-api/1.4.2/${index}`;
    sim.s3.write(BUCKET, key, "x");
    return aFile({ key, size: 1 });
  });
  const place = await putManifest(aManifest({ files }));
  const published: string[] = [];
  const onPublished = async ({ distributionId }: { readonly distributionId: string }) =>
    void published.push(distributionId);
  const options = { ...source, bucket: BUCKET, prefix: "", onPublished };

  function createMortal(at: number, when: "before" | "after") {
    const { guard, isDead } = createDeath(at, when);
    const guarded: Records = {
      get: (...given) => guard(() => records.get(...given)),
      put: (...given) => guard(() => records.put(...given)),
      remove: (...given) => guard(() => records.remove(...given)),
      list: (...given) => guard(() => records.list(...given)),
    };
    const publisher = createPublisher({
      ...options,
      records: guarded,
      announcer: { announce: (...given) => guard(() => source.announcer.announce(...given)) },
      onPublished: (artifact) => guard(() => onPublished(artifact)),
    });
    return { publisher, isDead };
  }

  async function check() {
    const { announced } = source;
    const told = new Set(announced.flatMap(({ keys }) => keys));
    expect(told.size).toBe(FILES);
    expect(new Set(announced.map(({ artifact }) => artifact.sequence)).size).toBe(1);
    expect(new Set(announced.map(({ artifact }) => artifact.distributionId)).size).toBe(1);
    expect(new Set(published).size).toBe(1);
    const found = await records.get(artifactRecordKey("billing-api", "1.4.2"), clock.now());
    expect(parseArtifactRecord(found?.value).announcedAt).not.toBeNull();
    expect((await records.list("outbox/", { limit: 10, now: clock.now() })).items).toEqual([]);
  }

  return { ...source, place, published, createMortal, publisher: createPublisher(options), check };
}

describe("a process that dies while it publishes", () => {
  it.each([
    ["and its event comes again", "before", true],
    ["and its event comes again", "after", true],
    ["and only the schedule goes on", "after", false],
  ] as const)("leaves nothing unannounced, at whatever call, %s (%s)", async (_what, when, isRedelivered) => {
    let deaths = 0;
    for (let at = 1; ; at += 1) {
      const { createMortal, publisher, place, clock, check } = await createWorld();
      const mortal = createMortal(at, when);

      await mortal.publisher.onManifest(place).catch(() => undefined);
      if (!mortal.isDead()) break;
      deaths += 1;
      if (isRedelivered) await publisher.onManifest(place);
      await clock.advance(120_000);
      await publisher.drainOutbox();

      await check();
    }
    expect(deaths).toBeGreaterThan(8);
  });

  it("leaves nothing unannounced where the next one dies too, and events come twice", async () => {
    for (const at of [2, 5, 8, 11]) {
      const { createMortal, publisher, place, clock, check } = await createWorld();

      for (const when of ["after", "before"] as const) {
        const mortal = createMortal(at, when).publisher;
        await Promise.all(
          [mortal.onManifest(place), mortal.onManifest(place)].map((each) => each.catch(() => undefined)),
        );
        await clock.advance(120_000);
      }
      await publisher.onManifest(place);
      await publisher.drainOutbox();

      await check();
    }
  });

  it("has told nobody who is not expected to answer", async () => {
    let deaths = 0;
    for (let at = 1; ; at += 1) {
      const { createMortal, place, announced, published } = await createWorld();
      const mortal = createMortal(at, "after");

      await mortal.publisher.onManifest(place).catch(() => undefined);

      expect(announced.length === 0 || published.length > 0).toBe(true);
      if (!mortal.isDead()) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(8);
  });
});
