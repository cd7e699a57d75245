import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { SimFault } from "@stackyard/aws-sim";
import type { Records } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { createPublisher, type PublisherOptions, validateManifest } from "./publish.ts";
import { loadArtifact, loadPublished } from "./published-versions.ts";
import { BUCKET, createSource, toSha256 } from "./testing/a-source.ts";
import { aFile, aManifest, SHA256 } from "./testing/an-artifact.ts";
import { artifacts, changeArtifact } from "./versions.ts";

const MINUTE = 60_000;

function createWorld(over: Partial<PublisherOptions> = {}) {
  const source = createSource();
  const publisher = createPublisher({ ...source, bucket: BUCKET, prefix: "", ...over });
  const { put, putManifest, records, clock } = source;

  async function publish(version = "1.4.2", body = "x", files = 1) {
    const listed = await Promise.all(
      Array.from({ length: files }, (_, index) => put(`billing-api/${version}/${index}.zip`, body)),
    );
    return putManifest(aManifest({ version, files: listed }));
  }
  const list = async (prefix: string) => (await records.list(prefix, { limit: 100, now: clock.now() })).items;
  return { ...source, publisher, publish, list };
}

describe("createPublisher", () => {
  it("announces a version to all consumers when its manifest appears, and keeps its record", async () => {
    const { publisher, publish, announced, records, clock, list, s3 } = createWorld();

    const outcome = await publisher.onManifest(await publish());

    const found = await loadPublished(
      { records, clock, load: (record) => loadArtifact({ s3, bucket: BUCKET }, record) },
      "billing-api",
      "1.4.2",
    );
    expect(outcome).toEqual({ kind: "published", artifact: found, messages: 1 });
    expect(announced).toEqual([{ artifact: found, target: "ALL", keys: ["billing-api/1.4.2/0.zip"] }]);
    expect(found?.manifest.files[0]?.versionId).toMatch(/./);
    expect(await artifacts.find({ records, clock }, "billing-api/1.4.2")).toMatchObject({
      sequence: 1,
      files: 1,
      bytes: 1,
      announcedAt: "2026-11-20T06:00:00.000Z",
      retiredAt: null,
    });
    expect(await list("outbox/")).toEqual([]);
  });

  it("announces it once, however often the event comes", async () => {
    const { publisher, publish, announced } = createWorld();
    const place = await publish();

    await publisher.onManifest(place);
    const again = await publisher.onManifest(place);

    expect([again.kind, announced.length]).toEqual(["known", 1]);
  });

  it("does not announce what was retired meanwhile", async () => {
    const { publisher, publish, announced, ...deps } = createWorld();
    const place = await publish();
    await publisher.onManifest(place);
    const retired = { announcedAt: null, retiredAt: "2026-11-20T07:00:00Z" };
    await changeArtifact(deps, { name: "billing-api", version: "1.4.2" }, (record) => ({ ...record, ...retired }));

    expect((await publisher.onManifest(place)).kind).toBe("known");
    expect(announced.length).toBe(1);
  });

  it("numbers versions in the order of their publication", async () => {
    const { publisher, publish, announced } = createWorld();
    for (const version of ["1", "2", "3"]) await publisher.onManifest(await publish(version));

    expect(announced.map(({ artifact }) => artifact.sequence)).toEqual([1, 2, 3]);
  });

  it("ignores what is not a manifest of the bucket", async () => {
    const { publisher } = createWorld({ prefix: "artifacts/" });

    const places = [`x/1/manifest.json`, "artifacts/x/1/app.zip"].map((key) => ({ bucket: BUCKET, key }));
    const outcomes = await Promise.all(
      [...places, { bucket: "other", key: "artifacts/x/1/manifest.json" }].map(publisher.onManifest),
    );

    expect(outcomes.map(({ kind }) => kind)).toEqual(["ignored", "ignored", "ignored"]);
  });

  it("rejects other content under a published name and version, once and for good, and records it", async () => {
    const { publisher, publish, announced, list } = createWorld();
    await publisher.onManifest(await publish());

    const outcome = await publisher.onManifest(await publish("1.4.2", "other"));

    expect(outcome).toMatchObject({ kind: "refused", refusal: { code: "VERSION_CONFLICT" } });
    expect(announced.length).toBe(1);
    expect((await list("refused/")).map(({ value }) => value)).toEqual([
      expect.objectContaining({ code: "VERSION_CONFLICT", key: "billing-api/1.4.2/manifest.json" }),
    ]);
    expect(await list("outbox/")).toEqual([]);
  });

  it.each([
    ["no manifest", "MANIFEST_INVALID", { text: "{}" }],
    ["an empty object", "MANIFEST_INVALID", { text: "" }],
    ["a manifest that is too large", "MANIFEST_INVALID", { text: " ".repeat(4 * 1_024 ** 2 + 1) }],
    ["a manifest of another place", "MANIFEST_INVALID", { manifest: aManifest({ version: "2" }) }],
    [
      "files of another artifact",
      "KEY_INVALID",
      { manifest: aManifest({ files: [aFile({ key: "other/1/app.zip" })] }) },
    ],
    ["itself", "KEY_INVALID", { manifest: aManifest({ files: [aFile({ key: "billing-api/1.4.2/manifest.json" })] }) }],
    ["a file that is not there", "SOURCE_MISSING", { manifest: aManifest() }],
    ["a file of another size", "SIZE_MISMATCH", { manifest: aManifest(), body: "x" }],
  ])(
    "refuses %s",
    async (_what, code, {
      text,
      manifest,
      body,
    }: { text?: string; manifest?: ReturnType<typeof aManifest>; body?: string }) => {
      const { publisher, put, putManifest, announced } = createWorld();
      const key = "billing-api/1.4.2/manifest.json";
      if (body !== undefined) await put("billing-api/1.4.2/app.zip", body);
      if (manifest === undefined) await put(key, text ?? "");
      else await putManifest(manifest, key);

      expect(await publisher.onManifest({ bucket: BUCKET, key })).toMatchObject({
        kind: "refused",
        refusal: { code, key },
      });
      expect(announced).toEqual([]);
    },
  );

  it("rejects a file that S3 knows another digest of", async () => {
    const { publisher, putManifest, s3 } = createWorld();
    const ChecksumSHA256 = Buffer.from(toSha256("xx"), "hex").toString("base64");
    await s3.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: "billing-api/1.4.2/app.zip", Body: "xx", ChecksumSHA256 }),
    );
    const manifest = (sha256: string) => aManifest({ files: [aFile({ size: 2, sha256 })] });

    const wrong = await publisher.onManifest(await putManifest(manifest(toSha256("yy"))));
    const right = await publisher.onManifest(await putManifest(manifest(toSha256("xx"))));

    expect([wrong, right.kind]).toEqual([
      expect.objectContaining({ refusal: expect.objectContaining({ code: "SHA256_MISMATCH" }) }),
      "published",
    ]);
  });

  it.each(["S3.GetObject", "S3.HeadObject"])(
    "refuses nothing while %s fails, and publishes afterwards",
    async (operation) => {
      const { publisher, publish, sim, list } = createWorld();
      const place = await publish();
      sim.once(operation, async () => {
        throw new SimFault("AccessDenied", 403, "Access Denied");
      });

      await expect(publisher.onManifest(place)).rejects.toMatchObject({ code: "FORBIDDEN" });

      expect((await list("refused/")).map(({ value }) => value)).toMatchObject([{ code: "FORBIDDEN" }]);
      expect((await publisher.onManifest(place)).kind).toBe("published");
    },
  );

  it("ignores a manifest that is gone", async () => {
    const { publisher, publish, s3 } = createWorld();
    const place = await publish();
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: place.key }));

    expect(await publisher.onManifest(place)).toEqual({ kind: "ignored" });
  });

  it("lets the next delivery continue at once after an error, from where it was", async () => {
    const fails = [true, false];
    const { publish, announcer, announced, ...world } = createWorld();
    const place = await publish("1.4.2", "x", 101);
    const publisher = createPublisher({
      ...world,
      bucket: BUCKET,
      prefix: "",
      announcer: {
        async announce(...given) {
          if (fails.pop()) throw new Error("throttled");
          return announcer.announce(...given);
        },
      },
    });

    await expect(publisher.onManifest(place)).rejects.toThrow("throttled");

    expect((await publisher.onManifest(place)).kind).toBe("published");
    expect(announced.map(({ keys }) => keys.length)).toEqual([100, 1]);
  });

  it("does not do twice at a time what two deliveries ask for, and finishes what a dead process began", async () => {
    const { publish, clock, announced, ...world } = createWorld();
    const place = await publish();
    const { promise, resolve } = Promise.withResolvers<number>();
    const stuck = createPublisher({
      ...world,
      clock,
      bucket: BUCKET,
      prefix: "",
      announcer: { announce: () => promise },
    });

    const first = stuck.onManifest(place);
    await clock.advance(0);
    const second = await world.publisher.onManifest(place);
    const early = await world.publisher.drainOutbox();
    await clock.advance(2 * MINUTE);
    const late = await world.publisher.drainOutbox();
    resolve(1);

    expect([second.kind, early, late]).toEqual([
      ...["running", { finished: 0, failed: 0, left: 1 }],
      { finished: 1, failed: 0, left: 0 },
    ]);
    expect([(await first).kind, announced.length]).toEqual(["running", 1]);
  });

  it("drains while one fails, no more than it should", async () => {
    const { publish, publisher, clock, announcer, ...world } = createWorld();
    const places = [await publish("1"), await publish("2"), await publish("3")];
    const dead = createPublisher({
      ...world,
      clock,
      bucket: BUCKET,
      prefix: "",
      announcer: { announce: () => Promise.reject(new Error("dead")) },
    });
    for (const place of places) await dead.onManifest(place).catch(() => undefined);
    const flaky = createPublisher({
      ...world,
      clock,
      bucket: BUCKET,
      prefix: "",
      announcer: {
        announce: async (artifact, ...rest) => {
          if (artifact.manifest.version === "2") throw new Error("no");
          return announcer.announce(artifact, ...rest);
        },
      },
    });

    expect(await flaky.drainOutbox({ limit: 1 })).toMatchObject({ left: 2 });
    expect(await publisher.drainOutbox({ deadlineAt: clock.now() })).toEqual({ finished: 0, failed: 0, left: 2 });
    await flaky.drainOutbox();
    expect(await flaky.drainOutbox()).toEqual({ finished: 0, failed: 1, left: 0 });
    expect(await publisher.drainOutbox()).toEqual({ finished: 1, failed: 0, left: 0 });
  });

  it("drains behind any number of those that fail", async () => {
    const { publish, clock, announcer, ...world } = createWorld();
    const versions = Array.from({ length: 8 }, (_, index) => `${index}`);
    const places = await Promise.all(versions.map((version) => publish(version)));
    const told: string[] = [];
    const { drainOutbox, onManifest } = createPublisher({
      ...world,
      clock,
      bucket: BUCKET,
      prefix: "",
      announcer: {
        announce: async ({ manifest: { version } }) => {
          told.push(version);
          throw new Error("no");
        },
      },
    });
    for (const place of places) await onManifest(place).catch(() => undefined);
    told.length = 0;

    expect(await drainOutbox({ limit: 2 })).toEqual({ finished: 0, failed: 8, left: 0 });
    expect(told.toSorted()).toEqual(versions);
  });

  it("takes no upload prefix that is that of artifacts", () => {
    expect(() => createWorld({ prefix: "a/", uploadPrefix: "a/" })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});

describe("loadPublished", () => {
  it("returns the manifest as it was published, whatever the bucket contains now", async () => {
    const { publisher, publish, s3, records, clock, put } = createWorld();
    const place = await publish();
    await publisher.onManifest(place);
    await put(place.key, "{}");

    const found = await loadPublished(
      { records, clock, load: (record) => loadArtifact({ s3, bucket: BUCKET }, record) },
      "billing-api",
      "1.4.2",
    );

    expect(found?.manifest.files.map(({ key }) => key)).toEqual(["billing-api/1.4.2/0.zip"]);
    expect(
      await loadPublished(
        { records, clock, load: (record) => loadArtifact({ s3, bucket: BUCKET }, record) },
        "billing-api",
        "9",
      ),
    ).toBeUndefined();
  });

  it("does not take another text for it", async () => {
    const { publisher, publish, s3, records, clock, random } = createWorld();
    await publisher.onManifest(await publish());
    const id = { name: "billing-api", version: "1.4.2" };
    await changeArtifact({ records, clock, random }, id, (record) => ({ ...record, manifestSha256: "0".repeat(64) }));

    const loaded = loadPublished(
      { records, clock, load: (record) => loadArtifact({ s3, bucket: BUCKET }, record) },
      "billing-api",
      "1.4.2",
    );

    await expect(loaded).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});

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

async function createCrashFixture() {
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
    expect((await artifacts.find({ records, clock }, "billing-api/1.4.2"))?.announcedAt).toEqual(expect.any(String));
    expect((await records.list("outbox/", { limit: 10, now: clock.now() })).items).toEqual([]);
  }

  return { ...source, place, published, createMortal, publisher: createPublisher(options), check };
}

describe("a process that dies while it publishes", () => {
  it.each([
    ["and its event comes again", "before", true],
    ["and its event comes again", "after", true],
    ["and only the schedule continues", "after", false],
  ] as const)("leaves nothing unannounced, at whatever call, %s (%s)", async (_what, when, isRedelivered) => {
    let deaths = 0;
    for (let at = 1; ; at += 1) {
      const { createMortal, publisher, place, clock, check } = await createCrashFixture();
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
      const { createMortal, publisher, place, clock, check } = await createCrashFixture();

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

  it("has notified no consumer that is not expected to answer", async () => {
    let deaths = 0;
    for (let at = 1; ; at += 1) {
      const { createMortal, place, announced, published } = await createCrashFixture();
      const mortal = createMortal(at, "after");

      await mortal.publisher.onManifest(place).catch(() => undefined);

      expect(announced.length === 0 || published.length > 0).toBe(true);
      if (!mortal.isDead()) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(8);
  });
});

describe("validateManifest", () => {
  const prefixes = { prefix: "artifacts/", uploadPrefix: "in/" };
  const evaluate = (name: string, version: string, keys: readonly string[]) =>
    validateManifest(
      aManifest({ name, version, files: keys.map((key) => aFile({ key, sha256: SHA256 })) }),
      `artifacts/${name}/${version}/manifest.json`,
      prefixes,
    )?.code;

  it("lets one upload be announced under its own name, and nothing else outside of the folder", () => {
    expect(evaluate("team/x.yaml", "40", ["in/team/40/x.yaml"])).toBeUndefined();
    expect(evaluate("team/x.yaml", "40+0123456789ab", ["in/team/40/x.yaml"])).toBeUndefined();
    expect(evaluate("team/x.yaml", "41", ["in/team/40/x.yaml"])).toBe("KEY_INVALID");
    expect(evaluate("evil", "40", ["in/team/40/x.yaml"])).toBe("KEY_INVALID");
    expect(evaluate("team/x.yaml", "40", ["in/team/40/x.yaml", "in/team/40/y.yaml"])).toBe("KEY_INVALID");
    expect(evaluate("team/x.yaml", "40", ["artifacts/other/1/x"])).toBe("KEY_INVALID");
    expect(evaluate("team/x.yaml", "40", ["artifacts/team/x.yaml/40/a"])).toBeUndefined();
  });
});
