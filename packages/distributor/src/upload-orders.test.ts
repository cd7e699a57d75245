import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { Records } from "@stackyard/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WrittenObject } from "./events.ts";
import { createPublisher } from "./publish.ts";
import { BUCKET, createSource, toSha256 } from "./testing/a-source.ts";
import { createUploads } from "./upload.ts";

const KEY = "app/40/packaged.yaml";
const FIRST_MANIFEST = { bucket: BUCKET, key: "artifacts/app/packaged.yaml/40/manifest.json" };

/** Uploads of one key whose events come in any order, more than once, to processes that die and are late. */
function createWorld() {
  const source = createSource();
  const base = { ...source, prefix: "artifacts/", uploadPrefix: "", bucket: BUCKET };
  const publisher = createPublisher(base);
  const uploads = createUploads({ ...base, publisher });

  async function upload(body: string): Promise<WrittenObject> {
    const { VersionId: versionId } = await source.s3.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: KEY, Body: body }),
    );
    return { bucket: BUCKET, key: KEY, ...(versionId && { versionId }) };
  }

  /** A process that is stopped before one of its calls until the gate opens, or dies there. */
  function createProcess(at: number, stop: () => Promise<void>) {
    let calls = 0;
    const guard = async <Result>(call: () => Promise<Result>): Promise<Result> => {
      calls += 1;
      if (calls === at) await stop();
      return call();
    };
    const { records } = base;
    const guarded: Records = {
      get: (...given) => guard(() => records.get(...given)),
      put: (...given) => guard(() => records.put(...given)),
      remove: (...given) => guard(() => records.remove(...given)),
      list: (...given) => guard(() => records.list(...given)),
    };
    const s3 = Object.create(base.s3, {
      send: { value: (...given: [never]) => guard(() => base.s3.send(...given)) },
    });
    const options = { ...base, s3, records: guarded };
    const mortal = createUploads({ ...options, publisher: createPublisher(options) });
    return { uploads: mortal, calls: () => calls };
  }

  /** What a consumer has at the end: it copies nothing that is older than what it has. */
  function findLast(order: (count: number) => readonly number[]): string | undefined {
    let known = { sequence: 0, sha256: "" };
    for (const index of order(source.announced.length)) {
      const artifact = source.announced[index]?.artifact;
      const sha256 = artifact?.manifest.files[0]?.sha256;
      if (artifact && sha256 && artifact.sequence >= known.sequence) known = { sequence: artifact.sequence, sha256 };
    }
    return known.sha256;
  }
  const forwards = (count: number) => Array.from({ length: count }, (_, index) => index);
  const backwards = (count: number) => forwards(count).reverse();
  const finish = async () => {
    await source.clock.advance(15 * 60_000);
    await uploads.resume();
    await publisher.drainOutbox();
  };
  return {
    ...source,
    publisher,
    uploads,
    upload,
    createProcess,
    finish,
    ends: () => [forwards, backwards].map(findLast),
  };
}

describe("two uploads of one key within a moment", () => {
  it("end with the later one, wherever the process of the first is late", async () => {
    let stops = 0;
    for (let at = 1; ; at += 1) {
      const world = createWorld();
      const { promise: opened, resolve: open } = Promise.withResolvers<void>();
      const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
      const late = world.createProcess(at, async () => {
        stop();
        await opened;
      });
      const first = await world.upload("a");

      const work = late.uploads.onUpload(first).then(() => stop());
      await stopped;
      await world.uploads.onUpload(await world.upload("b"));
      open();
      await work;
      await world.finish();

      expect(world.ends()).toEqual([toSha256("b"), toSha256("b")]);
      if (late.calls() < at) break;
      stops += 1;
    }
    expect(stops).toBeGreaterThan(12);
  });

  it("end with the later one, wherever the process of the first dies, whatever its manifest's own event does", async () => {
    let deaths = 0;
    for (let at = 1; ; at += 1) {
      const world = createWorld();
      const mortal = world.createProcess(at, () => Promise.reject(new Error("The process died.")));
      const first = await world.upload("a");

      await mortal.uploads.onUpload(first).catch(() => undefined);
      const second = await world.upload("b");
      await world.uploads.onUpload(second);
      await world.publisher.onManifest(FIRST_MANIFEST);
      await world.uploads.onUpload(first);
      await world.finish();

      expect(world.ends()).toEqual([toSha256("b"), toSha256("b")]);
      // Consumers of the first version copy everything that is announced to them.
      expect(world.announced.at(-1)?.artifact.manifest.files[0]?.sha256).toBe(toSha256("b"));
      if (mortal.calls() < at) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(12);
  });
});

type Step =
  | { readonly kind: "upload"; readonly body: string }
  | { readonly kind: "manifest"; readonly of: number }
  | { readonly kind: "event"; readonly of: number; readonly diesAt: number };

/** Does what happens, and gives the uploads there have been. */
async function play(world: ReturnType<typeof createWorld>, steps: readonly Step[]): Promise<readonly WrittenObject[]> {
  const written: WrittenObject[] = [];
  const die = () => Promise.reject(new Error("The process died."));

  async function bring(of: number, diesAt: number): Promise<void> {
    const place = written[of % (written.length || 1)];
    if (place === undefined) return;
    const { uploads } = world.createProcess(diesAt, die);
    await uploads.onUpload(place).catch(() => undefined);
  }

  async function bringManifest(of: number): Promise<void> {
    const keys = Object.keys(world.sim.s3.texts(BUCKET)).filter((key) => key.endsWith("/manifest.json"));
    const key = keys[of % (keys.length || 1)];
    if (key !== undefined) await world.publisher.onManifest({ bucket: BUCKET, key });
  }

  for (const step of steps) {
    if (step.kind === "upload") written.push(await world.upload(step.body));
    else if (step.kind === "manifest") await bringManifest(step.of);
    else await bring(step.of, step.diesAt);
  }
  return written;
}

describe("uploads of one key", () => {
  it("end with the newest, whatever the order and number of their events, and whichever process dies", async () => {
    const of = fc.nat(9);
    const step = fc.oneof(
      fc.record({ kind: fc.constant("upload" as const), body: fc.constantFrom("a", "b", "c") }),
      fc.record({ kind: fc.constant("manifest" as const), of }),
      fc.record({ kind: fc.constant("event" as const), of, diesAt: fc.integer({ min: 1, max: 25 }) }),
    );
    const begin = { kind: "upload" as const, body: "begin" };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const world = createWorld();

        const written = await play(world, [begin, ...steps]);
        for (const place of written.toReversed()) await world.uploads.onUpload(place);
        await world.finish();

        const last = [begin, ...steps].findLast((each) => each.kind === "upload")?.body ?? "";
        expect(world.ends()).toEqual([toSha256(last), toSha256(last)]);
      }),
      { numRuns: process.env["QUICK_TESTS"] ? 15 : 60 },
    );
  });
});
