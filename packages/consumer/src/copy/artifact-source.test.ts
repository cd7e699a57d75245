import { Readable } from "node:stream";
import { SimFault } from "@stackyard/aws-sim";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  anAnnouncement,
  anOldAnnouncement,
  createACopier,
  digest,
  inChunks,
  serve,
  someBytes,
  TARGET,
} from "../testing/a-copier.ts";
import { KEY } from "../testing/a-message.ts";
import {
  checkOpened,
  classifyAnswer,
  collectAlong,
  createByteReader,
  createCollector,
  measureBody,
  type OpenedFile,
  type SourceReply,
} from "./artifact-source.ts";

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
  it("requests no URL", async () => {
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

    expect([outcome, body.destroyed]).toEqual([
      { kind: "suspended", newBytes: 0, stalls: 1, reason: "The invocation ran out of time." },
      true,
    ]);
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

describe("classifyAnswer", () => {
  it.each<[SourceReply, string]>([
    [{ status: 200 }, "continue"],
    [{ status: 206 }, "continue"],
    [{ status: 403, code: "AccessDenied", message: "Request has expired" }, "expired"],
    [{ status: 403, code: "ExpiredToken", message: "The provided token has expired." }, "expired"],
    [{ status: 400, code: "ExpiredToken" }, "expired"],
    [{ status: 403, code: "RequestTimeTooSkewed", clockAheadMs: 2_000 }, "expired"],
    [{ status: 403, code: "RequestTimeTooSkewed", clockAheadMs: -3_600_000 }, "counted SOURCE_DENIED"],
    [{ status: 403, code: "RequestTimeTooSkewed" }, "counted SOURCE_DENIED"],
    [{ status: 403, code: "AccessDenied", message: "Access Denied" }, "counted SOURCE_DENIED"],
    [{ status: 403, code: "SignatureDoesNotMatch" }, "counted SOURCE_DENIED"],
    [{ status: 403 }, "counted SOURCE_DENIED"],
    [{ status: 400, code: "InvalidRequest" }, "counted SOURCE_DENIED"],
    [{ status: 404, code: "NoSuchKey" }, "counted SOURCE_MISSING"],
    [{ status: 404, code: "NoSuchVersion" }, "counted SOURCE_MISSING"],
    [{ status: 405, code: "MethodNotAllowed" }, "counted SOURCE_MISSING"],
    [{ status: 416, code: "InvalidRange" }, "counted SIZE_MISMATCH"],
    [{ status: 301, code: "PermanentRedirect" }, "refused URL_REDIRECT"],
    [{ status: 302 }, "refused URL_REDIRECT"],
    [{ status: 307, code: "TemporaryRedirect" }, "refused URL_REDIRECT"],
    [{ status: 429 }, "passing SOURCE_UNAVAILABLE"],
    [{ status: 400, code: "RequestTimeout" }, "passing SOURCE_UNAVAILABLE"],
    [{ status: 500, code: "InternalError" }, "passing SOURCE_UNAVAILABLE"],
    [{ status: 503, code: "SlowDown", message: "expired" }, "passing SOURCE_UNAVAILABLE"],
    [{ status: 0 }, "passing SOURCE_UNAVAILABLE"],
  ])("of %j is: %s", (answer, expected) => {
    const fault = classifyAnswer(answer);

    const said =
      fault === undefined ? "continue" : [fault.kind, "code" in fault && fault.code].filter(Boolean).join(" ");
    expect(said).toBe(expected);
  });

  it("lets nothing through but a file, and repeats no message", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999 }), fc.string(), (status, message) => {
        const fault = classifyAnswer({ status, message: `https://secret ${message}` });
        expect(fault === undefined).toBe(status === 200 || status === 206);
        expect(fault?.reason ?? "").not.toContain("secret");
      }),
    );
  });
});

const PART = { from: 10, to: 19 };

function check(
  over: Partial<OpenedFile>,
  size: number | undefined,
  range?: { readonly from: number; readonly to: number },
): boolean {
  const opened = { body: inChunks(Buffer.alloc(0)), cancel: () => undefined, ...over };
  try {
    checkOpened(opened, size, range);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ fault: { kind: "counted", code: "SIZE_MISMATCH" } });
    return false;
  }
}

describe("checkOpened", () => {
  it.each<[string, boolean]>([
    ["a whole file", check({ length: 100 }, 100)],
    ["a whole file of which no length is said", check({}, 100)],
    ["a part", check({ length: 10, range: { ...PART, size: 100 } }, 100, PART)],
    ["a part of an unknown total size", check({ range: PART }, 100, PART)],
    ["a file without an announced size", check({ length: 100 }, undefined)],
    ["all of a file as a part that was not requested", check({ range: { from: 0, to: 99, size: 100 } }, undefined)],
    ["the whole where the part is all of it", check({ length: 100 }, 100, { from: 0, to: 99 })],
  ])("takes %s", (_what, isTaken) => expect(isTaken).toBe(true));

  it.each<[string, boolean]>([
    ["a shorter file", check({ length: 99 }, 100)],
    ["a longer file", check({ length: 101 }, 100)],
    ["the whole instead of a part", check({}, 100, PART)],
    ["another part", check({ range: { from: 0, to: 9 } }, 100, PART)],
    ["a part that ends elsewhere", check({ range: { from: 10, to: 18 } }, 100, PART)],
    ["a part of another length", check({ length: 9, range: PART }, 100, PART)],
    ["the beginning when the whole was requested", check({ range: { from: 0, to: 9, size: 100 } }, undefined)],
    ["a part of an unknown total size when the whole was requested", check({ range: { from: 0, to: 99 } }, undefined)],
    ["the end when the whole was requested", check({ length: 100, range: { from: 1, to: 100, size: 101 } }, 100)],
    ["a part of another file", check({ range: { ...PART, size: 101 } }, 100, PART)],
  ])("rejects %s", (_what, isTaken) => expect(isTaken).toBe(false));
});

const MEASURED = Buffer.from("0123456789");
const EXPECTED = { size: 10, sha256: digest(MEASURED) };

async function collect(sent: Buffer, chunk: number) {
  const given: Uint8Array[] = [];
  try {
    for await (const each of measureBody(inChunks(sent, chunk), EXPECTED)) given.push(each);
    return Buffer.concat(given).toString();
  } catch (error) {
    return { given: Buffer.concat(given).length, fault: Reflect.get(Object(error), "fault").code };
  }
}

describe("measureBody", () => {
  it.each([1, 3, 10, 99])("gives what is right, in chunks of %d", async (chunk) => {
    expect(await collect(MEASURED, chunk)).toBe("0123456789");
  });

  it.each([1, 3, 10, 99])("never returns all bytes of a wrong file, in chunks of %d", async (chunk) => {
    const wrong = [Buffer.from("0123456780"), Buffer.from("012345678"), Buffer.from("0123456789a"), Buffer.alloc(0)];

    const outcomes = [];
    for (const each of wrong) outcomes.push(await collect(each, chunk));

    expect(outcomes).toEqual([
      { given: expect.any(Number), fault: "SHA256_MISMATCH" },
      { given: expect.any(Number), fault: "SIZE_MISMATCH" },
      { given: expect.any(Number), fault: "SIZE_MISMATCH" },
      { given: 0, fault: "SIZE_MISMATCH" },
    ]);
    for (const outcome of outcomes) expect(Object(outcome).given).toBeLessThan(10);
  });
});

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("a byte reader", () => {
  it("divides any stream at any bytes, and loses none", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 30 }),
        async (bytes, chunk, piece) => {
          const reader = createByteReader(inChunks(Buffer.from(bytes), chunk));
          const pieces: Buffer[] = [];
          while (!(await reader.isAtEnd())) pieces.push(await drain(reader.take(piece)));
          expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
          expect(pieces.slice(0, -1).every(({ length }) => length === piece)).toBe(true);
          expect(pieces).toHaveLength(Math.ceil(bytes.length / piece));
        },
      ),
    );
  });
});

const MIB = 1_024 ** 2;

describe("a source that collects along", () => {
  it("gives the same bytes, and collects after each MiB of all files", async () => {
    const bytes = someBytes(10 * MIB);
    let collections = 0;
    const source = collectAlong(
      async () => ({ body: inChunks(bytes, MIB), cancel: () => undefined }),
      () => {
        collections += 1;
      },
    );
    const chunks: Uint8Array[] = [];

    for (let file = 0; file < 2; file += 1) {
      const { body } = await source({ key: "k", signal: new AbortController().signal });
      for await (const chunk of body) chunks.push(chunk);
    }

    expect(collections).toBe(20);
    expect(Buffer.concat(chunks).equals(Buffer.concat([bytes, bytes]))).toBe(true);
  });
});

describe("the collector", () => {
  it("frees unreferenced memory, and keeps the function private", () => {
    const collect = createCollector();

    // A collection of the runtime's own may move one buffer to the old generation at once, but not every one.
    const freed = Array.from({ length: 8 }, () => {
      const held = holdBuffer();
      collect();
      // Memory found by one collection is swept concurrently, and is freed when the next one starts.
      collect();
      return held - process.memoryUsage().arrayBuffers;
    });

    expect(Math.max(...freed)).toBeGreaterThanOrEqual(8 * MIB);
    expect(Reflect.has(globalThis, "gc")).toBe(false);
  });

  it("frees what has grown old by its 64th call", () => {
    const collect = createCollector();
    let held: Uint8Array | undefined = new Uint8Array(8 * MIB).fill(1);
    for (let call = 0; call < 8; call += 1) collect();
    const before = process.memoryUsage().arrayBuffers;
    expect(held.length).toBe(8 * MIB);
    held = undefined;

    for (let call = 8; call < 65; call += 1) collect();

    expect(before - process.memoryUsage().arrayBuffers).toBeGreaterThanOrEqual(8 * MIB);
  });
});

/** Returns the bytes of all buffers while there is one of 8 MiB, which nothing references afterwards. */
function holdBuffer(): number {
  const bytes = new Uint8Array(8 * MIB).fill(1);
  const held = process.memoryUsage().arrayBuffers;
  // Referenced until here, so that a collection of the runtime's own cannot free it before it is measured.
  expect(bytes.length).toBe(8 * MIB);
  return held;
}
