import { Readable } from "node:stream";
import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import {
  anAnnouncement,
  anOldAnnouncement,
  createACopier,
  digest,
  serve,
  someBytes,
  TARGET,
} from "../testing/a-copier.ts";
import { KEY } from "../testing/a-message.ts";

const BYTES = Buffer.from("the artifact");
const SOURCE = { account: "111122223333", region: "eu-west-1", bucket: "dist-bucket" };

function createWorld({ shared = true, transfer = "auto" as "auto" | "identity" } = {}) {
  const fetch = serve({ [KEY]: BYTES });
  const world = createACopier({ fetch }, { shared });
  world.sim.s3.write(SOURCE.bucket, KEY, BYTES);
  const source = { ...SOURCE, client: world.connect(SOURCE.region) };
  return { ...world, fetch, copier: world.create({ transfer, source }), source };
}

describe("a copy by the consumer's role", () => {
  it("asks nobody for a URL", async () => {
    const { copier, fetch, sim } = createWorld();
    const { ArtifactUrl: _none, ...message } = anAnnouncement(BYTES);

    expect(await copier.copy({ message })).toMatchObject({
      kind: "stored",
      verified: true,
      sourceSha256: digest(BYTES),
    });
    expect([fetch.ranges, sim.s3.texts(TARGET.bucket)[KEY]]).toEqual([[], "the artifact"]);
  });

  it("reads the manifest and the parts of a large file", async () => {
    const large = someBytes(5 * 1_024 ** 2 + 10);
    const parts = [large.subarray(0, 5 * 1_024 ** 2), large.subarray(5 * 1_024 ** 2)];
    const listed = parts.map((bytes) => ({ size: bytes.length, sha256: digest(bytes) }));
    const manifest = JSON.stringify({
      files: [{ key: KEY, size: large.length, sha256: digest(large), parts: listed }],
    });
    const { copier, sim, fetch } = createWorld();
    sim.s3.write(SOURCE.bucket, KEY, large);
    sim.s3.write(SOURCE.bucket, "m", manifest);
    const message = { ...anAnnouncement(large), manifest: { key: "m", sha256: digest(Buffer.from(manifest)) } };

    expect(await copier.copy({ message })).toMatchObject({ kind: "stored", sourceSha256: digest(large) });

    expect(sim.s3.findObject(TARGET.bucket, KEY)?.body.equals(large)).toBe(true);
    expect([fetch.ranges, sim.s3.findObject(TARGET.bucket, KEY)?.etag]).toEqual([[], expect.stringContaining("-2")]);
  });

  it("goes by the URL where the role may not read, once it knows", async () => {
    const { copier, fetch } = createWorld({ shared: false });

    expect(await copier.copy({ message: anAnnouncement(BYTES) })).toMatchObject({ kind: "stored" });
    expect(fetch.ranges).toEqual([undefined]);
  });

  it.each([
    ["is denied where the role may not read and there is no URL", { shared: false }, undefined, "SOURCE_DENIED"],
    ["is denied where only the role may read", { shared: false, transfer: "identity" }, "url", "SOURCE_DENIED"],
  ] as const)("%s", async (_what, options, url, code) => {
    const { copier } = createWorld(options);
    const { ArtifactUrl, ...rest } = anAnnouncement(BYTES);
    const message = url === undefined ? rest : { ...rest, ...(ArtifactUrl !== undefined && { ArtifactUrl }) };

    expect(await copier.copy({ message })).toMatchObject({ kind: "retry", code });
  });

  it("says what is missing", async () => {
    const { copier, sim } = createWorld();
    sim.s3.remove(SOURCE.bucket, KEY);

    expect(await copier.copy({ message: anAnnouncement(BYTES) })).toMatchObject({
      kind: "retry",
      code: "SOURCE_MISSING",
    });
  });

  it("is denied by a bucket of another owner", async () => {
    const { create, source } = createWorld();
    const copier = create({ transfer: "identity", source: { ...source, account: "999900001111" } });

    expect(await copier.copy({ message: anAnnouncement(BYTES) })).toMatchObject({
      kind: "retry",
      code: "SOURCE_DENIED",
    });
  });

  it("is stopped before the function ends, although bytes still come", async () => {
    const { copier, clock, sim } = createWorld({ transfer: "identity" });
    let reads = 0;
    const body = new Readable({
      read() {
        reads += 1;
        if (reads === 1) this.push(BYTES.subarray(0, 3));
        else void clock.advance(60_000);
      },
    });
    sim.once("S3.GetObject", (proceed) => proceed());
    sim.once("S3.GetObject", async () => ({ ContentLength: BYTES.length, Body: body }));

    const outcome = await copier.copy({ message: anAnnouncement(BYTES), deadlineAt: clock.now() + 60_000 });

    expect([outcome, body.destroyed]).toEqual([{ kind: "suspended", newBytes: 0, stalls: 1 }, true]);
  });

  it("goes by the URL of a first message, which names nothing else", async () => {
    const { copier, fetch } = createWorld();

    expect(await copier.copy({ message: anOldAnnouncement() })).toMatchObject({ kind: "stored", verified: false });
    expect(fetch.ranges).toEqual([undefined]);
  });

  it("waits where the source is busy", async () => {
    const { copier, sim } = createWorld();
    // The first one is for the record of the copy.
    sim.once("S3.GetObject", (proceed) => proceed());
    sim.once("S3.GetObject", () => Promise.reject(new SimFault("SlowDown", 503, "Please reduce your request rate.")));

    expect(await copier.copy({ message: anAnnouncement(BYTES) })).toMatchObject({
      kind: "retry",
      code: "SOURCE_UNAVAILABLE",
    });
  });
});
