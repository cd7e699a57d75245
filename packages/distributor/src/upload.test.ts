import { DeleteObjectCommand, PutBucketVersioningCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { isAllowedKey } from "@stackyard/consumer";
import type { Records } from "@stackyard/core";
import { isManifestKey, parseManifest } from "@stackyard/sdk/artifacts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPublisher } from "./publish.ts";
import { BUCKET, createSource, toSha256 } from "./testing/a-source.ts";
import { createUploads, type UploadsOptions } from "./upload.ts";

const MIB = 1_024 ** 2;
const PREFIXES = { prefix: "artifacts/", uploadPrefix: "" };
const KEY = "tts-cloud/app/dev/40/packaged.yaml";

function createWorld(over: Partial<UploadsOptions> = {}) {
  const source = createSource();
  const base = { ...source, ...PREFIXES, bucket: BUCKET };
  const publisher = createPublisher(base);
  const uploads = createUploads({ ...base, publisher, ...over });
  const { s3, sim, records, clock, announced } = source;

  async function upload(key: string, body: string, more: object = {}) {
    const { VersionId: versionId } = await s3.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ...more }),
    );
    return { bucket: BUCKET, key, ...(versionId && { versionId }) };
  }
  const tell = () =>
    announced.map(
      ({ artifact: { manifest }, keys }) =>
        `${manifest.name}@${manifest.version} ${keys.join()} ${manifest.files[0]?.sha256}`,
    );
  const list = async () => (await records.list("", { limit: 100, now: clock.now() })).items.map(({ key }) => key);
  return { ...source, base, publisher, uploads, upload, tell, list, sim };
}

describe("createUploads", () => {
  it("announces each file of a build as it comes, under its own key", async () => {
    const { uploads, upload, tell, announced } = createWorld();

    await uploads.onUpload(await upload(KEY, "Resources: {}", { ContentType: "text/yaml" }));
    await uploads.onUpload(await upload("tts-cloud/app/dev/40/app.zip", "zip"));

    expect(tell()).toEqual([
      `tts-cloud/app/dev/packaged.yaml@40 ${KEY} ${toSha256("Resources: {}")}`,
      `tts-cloud/app/dev/app.zip@40 tts-cloud/app/dev/40/app.zip ${toSha256("zip")}`,
    ]);
    expect(announced.map(({ artifact }) => artifact.manifest.files[0])).toEqual([
      expect.objectContaining({
        rewrite: "template",
        contentType: "text/yaml",
        versionId: expect.any(String),
        size: 13,
      }),
      expect.objectContaining({ rewrite: "none" }),
    ]);
  });

  it("announces the headers with which an upload is served", async () => {
    const { uploads, upload, announced } = createWorld();
    const given = { ContentEncoding: "gzip", CacheControl: "no-cache", ContentLanguage: "de\u0001" };

    await uploads.onUpload(await upload("site/40/app.js", "x", { ContentEncoding: "gzip", CacheControl: "no-cache" }));
    await uploads.onUpload(await upload("site/40/odd.js", "x", given));

    expect(announced.map(({ artifact }) => artifact.manifest.files[0]?.headers)).toEqual([
      { contentEncoding: "gzip", cacheControl: "no-cache" },
      undefined,
    ]);
  });

  it("writes a manifest that the publish step can read", async () => {
    const { uploads, upload, sim } = createWorld();
    await uploads.onUpload(await upload(KEY, "x"));

    const text = sim.s3.texts(BUCKET)["artifacts/tts-cloud/app/dev/packaged.yaml/40/manifest.json"] ?? "";

    expect(parseManifest(text).kind).toBe("manifest");
  });

  it("continues with every upload that was started, however many there are", async () => {
    const { uploads, base, publisher, upload, announced } = createWorld();
    const broken = createUploads({
      ...base,
      publisher: { ...publisher, onManifest: async () => Promise.reject(new Error("down")) },
    });
    for (let number = 0; number < 120; number += 1) {
      await broken.onUpload(await upload(`site/${number}/index.html`, "x")).catch(() => undefined);
    }

    expect([await uploads.resume(), announced.length]).toEqual([{ finished: 120, failed: 0, left: 0 }, 120]);
  });

  it("announces a file that is uploaded again, also with what it once was", async () => {
    const { uploads, upload, announced } = createWorld();
    for (const body of ["a", "b", "a"]) await uploads.onUpload(await upload(KEY, body));

    const versions = announced.map(({ artifact }) => artifact.manifest.version);
    expect(versions).toEqual([
      "40",
      expect.stringMatching(/^40\+[0-9a-f]{12}$/),
      expect.stringMatching(/^40\+[0-9a-f]{12}$/),
    ]);
    expect(new Set(versions).size).toBe(3);
    expect(announced.map(({ artifact }) => [artifact.sequence, artifact.manifest.files[0]?.sha256])).toEqual([
      [1, toSha256("a")],
      [2, toSha256("b")],
      [3, toSha256("a")],
    ]);
  });

  it("announces each of them where the bucket has ceased to keep versions", async () => {
    const { s3, uploads, upload, announced } = createWorld();
    const VersioningConfiguration = { Status: "Suspended" as const };
    await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration }));
    for (const body of ["a", "b", "c"]) {
      // As S3 reports it.
      const { versionId: _, ...place } = await upload(KEY, body);
      await uploads.onUpload(place);
    }

    const digests = announced.map(({ artifact }) => artifact.manifest.files[0]?.sha256);
    expect(digests).toEqual(["a", "b", "c"].map(toSha256));
  });

  it("announces an upload once, however often its event comes, and keeps nothing of the work", async () => {
    const { uploads, upload, announced, list } = createWorld();
    const place = await upload(KEY, "a");

    await uploads.onUpload(place);
    const again = await uploads.onUpload(place);

    expect([again, announced.length]).toEqual([
      { kind: "manifested", outcome: expect.objectContaining({ kind: "known" }) },
      1,
    ]);
    expect((await list()).filter((key) => key.startsWith("upload/"))).toEqual([]);
  });

  it("leaves what was replaced or deleted before it came to it", async () => {
    const { uploads, upload, announced, s3 } = createWorld();
    const first = await upload(KEY, "a");
    await upload(KEY, "b");
    const gone = await upload("x/1/gone", "c");
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: gone.key }));

    expect([await uploads.onUpload(first), await uploads.onUpload(gone)]).toEqual([
      { kind: "ignored" },
      { kind: "ignored" },
    ]);
    expect(announced).toEqual([]);
  });

  it.each([
    ["a key that nothing may be stored under", "a/../b", { kind: "refused", code: "KEY_INVALID" }],
    ["what is not an upload", "artifacts/a/1/app.zip", { kind: "ignored" }],
  ])("does not take %s", async (_what, key, outcome) => {
    const { uploads } = createWorld();

    expect(await uploads.onUpload({ bucket: BUCKET, key })).toEqual(outcome);
  });

  it("rejects what is too large for the parts of a manifest", async () => {
    const { uploads, sim, list } = createWorld();
    sim.s3.writeGenerated(BUCKET, "a/1/huge", { size: 10_001 * 1_024 ** 3, read: () => [] });

    expect(await uploads.onUpload({ bucket: BUCKET, key: "a/1/huge" })).toEqual({ kind: "refused", code: "TOO_LARGE" });
    expect(await list()).toEqual(["refused/a/huge/1"]);
  });

  it("digests an empty file", async () => {
    const { uploads, upload, tell } = createWorld();

    await uploads.onUpload(await upload("a/1/empty", ""));

    expect(tell()).toEqual([`a/empty@1 a/1/empty ${toSha256("")}`]);
  });

  it("digests a large file part by part, and continues where the last process ended", async () => {
    const { base, publisher, sim, announced, list } = createWorld();
    const size = 65 * MIB + 3;
    let now = base.clock.now();
    let read = 0;
    sim.s3.writeGenerated(BUCKET, "a/1/large", {
      size,
      *read(from, to) {
        now += 60_000;
        read += to - from;
        for (let at = from; at < to; at += MIB) yield new Uint8Array(Math.min(MIB, to - at)).fill(at / MIB);
      },
    });
    const uploads = createUploads({ ...base, publisher, clock: { now: () => now, sleep: base.clock.sleep } });

    const first = await uploads.onUpload({ bucket: BUCKET, key: "a/1/large" }, { deadlineAt: now + 100_000 });
    const second = await uploads.resume();

    expect([first, second]).toEqual([
      { kind: "continues", doneParts: 1 },
      { finished: 1, failed: 0, left: 0 },
    ]);
    const [file] = announced[0]?.artifact.manifest.files ?? [];
    const whole = Buffer.concat(Array.from({ length: 66 }, (_, index) => Buffer.alloc(MIB, index))).subarray(0, size);
    expect(file).toMatchObject({
      sha256: toSha256(whole),
      parts: [
        { size: 64 * MIB, sha256: toSha256(whole.subarray(0, 64 * MIB)) },
        { size: MIB + 3, sha256: toSha256(whole.subarray(64 * MIB)) },
      ],
    });
    expect(read).toBe(size);
    expect((await list()).filter((key) => key.startsWith("upload/"))).toEqual([]);
  });

  it("digests from the beginning when another release has written the saved state", async () => {
    const { base, publisher, sim, announced, list } = createWorld();
    const size = 65 * MIB;
    let now = base.clock.now();
    let read = 0;
    sim.s3.writeGenerated(BUCKET, "a/1/large", {
      size,
      *read(from, to) {
        now += 60_000;
        read += to - from;
        yield Buffer.alloc(to - from, 7);
      },
    });
    const uploads = createUploads({ ...base, publisher, clock: { now: () => now, sleep: base.clock.sleep } });
    await uploads.onUpload({ bucket: BUCKET, key: "a/1/large" }, { deadlineAt: now + 100_000 });
    const [key = ""] = (await list()).filter((each) => each.startsWith("upload/"));
    const record = await base.records.get(key, now);
    const value = { ...Object(record?.value), state: Buffer.alloc(116).toString("base64") };
    await base.records.put({ key, value, expected: record?.version ?? "absent", now });

    await uploads.resume();

    expect(announced[0]?.artifact.manifest.files[0]?.sha256).toBe(toSha256(Buffer.alloc(size, 7)));
    expect(read).toBe(size + 64 * MIB);
  });

  it("continues at once after an error, from where it was", async () => {
    const { uploads, sim, announced } = createWorld();
    const starts: number[] = [];
    const place = { bucket: BUCKET, key: "a/1/large" };
    sim.s3.writeGenerated(BUCKET, place.key, {
      size: 65 * MIB,
      *read(from, to) {
        starts.push(from / MIB);
        if (starts.length === 2) throw new Error("The connection is gone.");
        yield Buffer.alloc(to - from);
      },
    });

    await expect(uploads.onUpload(place)).rejects.toThrow("The connection is gone.");
    await uploads.onUpload(place);

    expect(starts).toEqual([0, 64, 64]);
    expect(announced[0]?.artifact.manifest.files[0]?.sha256).toBe(toSha256(Buffer.alloc(65 * MIB)));
  });

  it("does not do twice at a time what two deliveries ask for", async () => {
    const { base, uploads, upload, clock } = createWorld();
    const place = await upload(KEY, "a");
    const { promise, resolve } = Promise.withResolvers<{ readonly kind: "running" }>();
    const stuck = createUploads({ ...base, publisher: { onManifest: () => promise } });

    const first = stuck.onUpload(place);
    await clock.advance(0);

    expect([await uploads.onUpload(place), await uploads.resume()]).toEqual([
      { kind: "running" },
      { finished: 0, failed: 0, left: 1 },
    ]);
    resolve({ kind: "running" });
    await first;
  });
});

describe("a process that dies while it makes an artifact of an upload", () => {
  it("leaves nothing unannounced, at whatever call", async () => {
    let deaths = 0;
    for (let at = 1; ; at += 1) {
      const { base, publisher, uploads, upload, announced, clock, list } = createWorld();
      const place = await upload(KEY, "a");
      let calls = 0;
      const guard = async <Result>(call: () => Promise<Result>): Promise<Result> => {
        calls += 1;
        if (calls > at) throw new Error("The process died.");
        const result = await call();
        if (calls >= at) throw new Error("The process died.");
        return result;
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
      const mortal = createUploads({
        ...base,
        s3,
        records: guarded,
        publisher: { onManifest: (manifest) => guard(() => publisher.onManifest(manifest)) },
      });

      await mortal.onUpload(place).catch(() => undefined);
      if (calls < at) break;
      deaths += 1;
      await clock.advance(15 * 60_000);
      await uploads.resume();
      await publisher.drainOutbox();

      expect(new Set(announced.map(({ artifact }) => `${artifact.manifest.version} ${artifact.sequence}`))).toEqual(
        new Set(["40 1"]),
      );
      expect((await list()).filter((key) => /^(upload|outbox)\//.test(key))).toEqual([]);
    }
    expect(deaths).toBeGreaterThan(5);
  });
});

/** What the publisher and the consumer say of a key. */
const evaluate = (key: string) => ({ manifest: isManifestKey(key), consumer: isAllowedKey(key) });
const BOTH = { manifest: true, consumer: true };
const NEITHER = { manifest: false, consumer: false };

/** The rule once more, as documented, step by step. */
function isKey(key: string): boolean {
  const bytes = new TextEncoder().encode(key).length;
  if (
    bytes < 1 ||
    bytes > 1_024 ||
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(key)) !== key
  )
    return false;
  const texts = [key, decode(key), decode(decode(key))];
  return texts.every((text) => !isTricky(text) && !isReserved(text));
}

function isTricky(text: string): boolean {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const isForbidden = codes.some((code) => code < 0x20 || code === 0x7f || code === 0x5c);
  return isForbidden || text.split("/").some((segment) => ["", ".", ".."].includes(segment));
}

function isReserved(text: string): boolean {
  return text === ".stackyard" || text.startsWith(".stackyard/");
}

/** Character by character; an invalid sequence stays. */
function decode(text: string): string {
  let decoded = "";
  for (let at = 0; at < text.length; at += 1) {
    const hex = text.slice(at + 1, at + 3);
    const isSequence = text[at] === "%" && /^[0-9A-Fa-f]{2}$/.test(hex);
    decoded += isSequence ? String.fromCharCode(Number(`0x${hex}`)) : text[at];
    if (isSequence) at += 2;
  }
  return decoded;
}

describe("the rule on keys, of publishers and of consumers", () => {
  it.each([
    ["1,023 bytes", "k".repeat(1_023)],
    ["1,024 bytes", "k".repeat(1_024)],
    ["1,024 bytes of two each", "ü".repeat(512)],
    ["1,023 bytes of three each", "€".repeat(341)],
    ["1,024 bytes of four each", "😀".repeat(256)],
    ["1,024 bytes of mixed lengths", `${"€".repeat(341)}k`],
    ["a percent sign alone", "a/100%"],
    ["a malformed sequence", "a/%g0/%2/%"],
    ["a malformed sequence that becomes a letter", "a/%%36%31"],
    ["bytes that are no UTF-8", "a/%ff%c0%ae"],
    ["dots that would need a third decoding", "a/%25252e%25252e/b"],
    ["three dots", "a/.../b"],
    ["dots at the ends of names", "a./.b"],
    ["the reserved name further below", "a/.stackyard/b"],
    ["a longer name than the reserved one", ".stackyard2/b"],
    ["the reserved name in other letters", ".Stackyard/b"],
    ["a control character of the second kind", "a\u0085b"],
    ["white space", "a b/\u00a0\u2028"],
    ["a byte order mark", "\ufeffa"],
    ["what shells and URLs mind", "a?b#c&d=e+f:g*"],
  ])("takes %s", (_what, key) => {
    expect([evaluate(key), isKey(key)]).toEqual([BOTH, true]);
  });

  it.each([
    ["nothing", ""],
    ["1,025 bytes", "k".repeat(1_025)],
    ["1,025 bytes, of which one character has two", `${"k".repeat(1_023)}ü`],
    ["1,026 bytes of two each", "ü".repeat(513)],
    ["1,026 bytes of three each", "€".repeat(342)],
    ["1,028 bytes of four each", "😀".repeat(257)],
    ["a slash alone", "/"],
    ["a slash at the beginning", "/a"],
    ["a slash at the end", "a/"],
    ["an empty segment", "a//b"],
    ["a dot", "./a"],
    ["two dots at the end", "a/.."],
    ["a line feed", "a\nb"],
    ["a null", "a\0"],
    ["a deletion", "\u007f"],
    ["a backslash", "a\\b"],
    ["the first half of a character", "a\ud83d"],
    ["the second half of a character", "\ude00a"],
    ["halves in the wrong order", "\ude00\ud83d"],
    ["a slash at the beginning, encoded", "%2Fa"],
    ["an empty segment, encoded twice", "a%252f%252fb"],
    ["a dot, encoded in part", "a/%2e"],
    ["two dots, encoded by turns", "a/.%252E/b"],
    ["a sequence that another one completes", "a/%2%65%2%65/b"],
    ["a line feed, encoded", "a%0ab"],
    ["a deletion, encoded twice", "a%257Fb"],
    ["a backslash, encoded twice", "a%255cb"],
    ["the reserved folder", ".stackyard/known/x"],
    ["the reserved folder, its slash encoded", ".stackyard%2fknown"],
    ["the reserved folder, encoded twice", "%252estackyard/known"],
    ["the reserved folder, a letter encoded", ".st%61ckyard/known"],
  ])("rejects %s", (_what, key) => {
    expect([evaluate(key), isKey(key)]).toEqual([NEITHER, false]);
  });

  it("is one rule for any key made of what matters", () => {
    const pieces = ["a", "ü", "😀", ".", "..", "/", "\\", "%", "%2", "%2e", "%2F", "%25", "%252e", "%5c", "%00", "%7f"];
    const more = [".stackyard", ".stackyard/", "2e", "65", "\u0000", "\u007f", "\ud800", "\udc00", " ", "+"];
    const key = fc.array(fc.constantFrom(...pieces, ...more), { maxLength: 8 }).map((parts) => parts.join(""));

    fc.assert(
      fc.property(key, (text) => {
        expect(evaluate(text)).toEqual(isKey(text) ? BOTH : NEITHER);
      }),
      { numRuns: 5_000 },
    );
  });

  it("is one rule for any text, up to and beyond the longest key", () => {
    const long = fc
      .tuple(fc.constantFrom("k", "ü", "€", "😀"), fc.integer({ min: 240, max: 1_030 }), fc.string({ maxLength: 3 }))
      .map(([unit, count, rest]) => unit.repeat(count) + rest);

    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), long), (text) => {
        expect(evaluate(text)).toEqual(isKey(text) ? BOTH : NEITHER);
      }),
      { numRuns: 2_000 },
    );
  });
});
