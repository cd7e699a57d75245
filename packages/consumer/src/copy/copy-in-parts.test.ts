import { AbortMultipartUploadCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { SimFault } from "@stackyard/aws-sim";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ArtifactMessage } from "../messages.ts";
import { anAnnouncement, createACopier, digest, serve, someBytes, TARGET } from "../testing/a-copier.ts";
import { aUrl, KEY, NOW } from "../testing/a-message.ts";
import { MAX_WHOLE_BYTES, planParts, toCopyPartBytes } from "./copy-in-parts.ts";
import type { SourceAnswer, SourceFetch } from "./source-fetch.ts";

const MIB = 1_024 ** 2;
const PART = 5 * MIB;
const BYTES = someBytes(2 * PART + 1_000);
const MANIFEST_KEY = "billing-api/1.4.2/manifest.json";
const RANGES = [`0-${PART - 1}`, `${PART}-${2 * PART - 1}`, `${2 * PART}-${BYTES.length - 1}`];

function aManifest(parts: readonly { readonly size: number; readonly sha256: string }[]): Buffer {
  return Buffer.from(JSON.stringify({ v: 1, files: [{ key: KEY, size: BYTES.length, sha256: digest(BYTES), parts }] }));
}

const PARTS = [0, PART, 2 * PART].map((from) => {
  const bytes = BYTES.subarray(from, from + PART);
  return { size: bytes.length, sha256: digest(bytes) };
});
const MANIFEST = aManifest(PARTS);
const FILES = { [KEY]: BYTES, [MANIFEST_KEY]: MANIFEST };

function aMessage(manifest = MANIFEST): Extract<ArtifactMessage, { readonly v: 2 }> {
  const url = aUrl({}, `/${MANIFEST_KEY}`);
  return { ...anAnnouncement(BYTES), manifest: { key: MANIFEST_KEY, sha256: digest(manifest), url } };
}

function createParts(fetch: SourceFetch = serve(FILES)) {
  const world = createACopier({ fetch, partsAtOnce: 1 });
  const find = () => world.sim.s3.findObject(TARGET.bucket, KEY);
  // What a removed record leaves is swept by the records themselves.
  const names = () =>
    Object.entries(world.sim.s3.texts(TARGET.bucket)).flatMap(([key, text]) =>
      text.includes("removedAt") ? [] : [key],
    );
  return { ...world, find, names, uploads: () => world.sim.s3.uploads(TARGET.bucket) };
}

/** Counts calls from the first for the file itself. */
function onPart(
  number: number,
  answer: Partial<SourceAnswer> | Buffer,
): SourceFetch & { ranges: (string | undefined)[] } {
  return serve(FILES, (call) => (call === number + 1 ? answer : undefined));
}

const STORED = { kind: "stored", verified: true, sourceSha256: digest(BYTES), size: BYTES.length };

describe("a copy of a large file whose parts are known", () => {
  it("requests each part once, and stores the whole", async () => {
    const fetch = serve(FILES);
    const { copier, find, uploads, names } = createParts(fetch);

    expect(await copier.copy({ message: aMessage() })).toMatchObject(STORED);

    expect(fetch.ranges).toEqual([undefined, ...RANGES]);
    expect(find()?.body.equals(BYTES)).toBe(true);
    expect(find()?.metadata).toMatchObject({ "stackyard-sha256": digest(BYTES), "stackyard-version": "1.4.2" });
    expect([uploads(), names()]).toEqual([[], [KEY]]);
  });

  it("continues where it was interrupted, in another process and with another URL", async () => {
    const first = onPart(2, { kind: "refused", status: 403, code: "AccessDenied", message: "Request has expired" });
    const second = serve(FILES);
    const { copier, create, find } = createParts(first);

    const outcomes = [
      await copier.copy({ message: aMessage() }),
      await create({ fetch: second, partsAtOnce: 1 }).copy({ message: aMessage() }),
    ];

    expect(outcomes).toMatchObject([{ kind: "refresh" }, STORED]);
    expect([first.ranges.slice(1), second.ranges.slice(1)]).toEqual([RANGES.slice(0, 2), RANGES.slice(1)]);
    expect(find()?.body.equals(BYTES)).toBe(true);
  });

  it.each([
    ["truncated", BYTES.subarray(PART, 2 * PART - 1), "SIZE_MISMATCH"],
    ["longer", BYTES.subarray(PART, 2 * PART + 1), "SIZE_MISMATCH"],
    ["wrong", someBytes(PART, 9), "SHA256_MISMATCH"],
  ])("tries a part that is %s again, and stores nothing before it is correct", async (_how, bytes, code) => {
    const { copier, create, find } = createParts(onPart(2, bytes));

    expect(await copier.copy({ message: aMessage() })).toMatchObject({ kind: "retry", code, stalls: 0 });
    expect(find()).toBeUndefined();
    expect(await create({ fetch: serve(FILES) }).copy({ message: aMessage() })).toMatchObject(STORED);
  });

  it("fails at the fourth mismatch without progress, and leaves no upload", async () => {
    const wrong = serve(FILES, (_call, bytes) => (bytes.length === PART ? someBytes(PART, 9) : undefined));
    const { copier, find, uploads, names } = createParts(wrong);

    const kinds = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) kinds.push((await copier.copy({ message: aMessage() })).kind);

    expect(kinds).toEqual(["retry", "retry", "retry", "failed"]);
    expect([find(), uploads(), names()]).toEqual([undefined, [], []]);
  });

  it("is stopped before the function ends, and continues in the next one", async () => {
    const { copier, create, clock, find } = createParts(
      serve(FILES, (call) => (call === 3 ? { body: wait() } : undefined)),
    );
    async function* wait(): AsyncGenerator<Uint8Array> {
      await clock.advance(60_000);
      yield BYTES.subarray(PART, PART + 1);
    }

    const outcome = await copier.copy({ message: aMessage(), deadlineAt: NOW + 60_000 });

    expect([outcome, find()]).toEqual([
      { kind: "suspended", newBytes: PART, stalls: 0, reason: "The invocation ran out of time." },
      undefined,
    ]);
    const rest = serve(FILES);
    expect(await create({ fetch: rest, partsAtOnce: 1 }).copy({ message: aMessage() })).toMatchObject(STORED);
    expect(rest.ranges.slice(1)).toEqual(RANGES.slice(1));
  });

  it("counts the attempts that got nowhere", async () => {
    const { copier, clock } = createParts();
    const deadlineAt = clock.now();

    const outcomes = [];
    for (let attempt = 0; attempt < 2; attempt += 1)
      outcomes.push(await copier.copy({ message: aMessage(), deadlineAt }));

    expect(outcomes).toEqual([
      { kind: "suspended", newBytes: 0, stalls: 1, reason: "The invocation ran out of time." },
      { kind: "suspended", newBytes: 0, stalls: 2, reason: "The invocation ran out of time." },
    ]);
  });

  it("reports an existing file as present, without requesting a byte", async () => {
    const fetch = serve(FILES);
    const { copier, create } = createParts();
    await copier.copy({ message: aMessage() });

    expect(await create({ fetch }).copy({ message: aMessage() })).toMatchObject({
      kind: "present",
      size: BYTES.length,
    });
    expect(fetch.ranges).toEqual([]);
  });

  it("is present when another process was faster", async () => {
    const { copier, create, uploads, client } = createParts();
    const slow = create({
      fetch: serve(FILES, (call) => (call === 4 ? { body: late() } : undefined)),
      partsAtOnce: 1,
    });
    async function* late(): AsyncGenerator<Uint8Array> {
      const metadata = { "stackyard-sha256": digest(BYTES), "stackyard-version": "1.4.2" };
      await client.send(new PutObjectCommand({ Bucket: TARGET.bucket, Key: KEY, Body: BYTES, Metadata: metadata }));
      yield BYTES.subarray(2 * PART);
    }

    expect(await slow.copy({ message: aMessage() })).toMatchObject({ kind: "present", storedSha256: digest(BYTES) });
    expect([uploads(), (await copier.copy({ message: aMessage() })).kind]).toEqual([[], "present"]);
  });

  it("steps back for another delivery of the same file", async () => {
    const { create, copier, find } = createParts();
    const slow = create({
      fetch: serve(FILES, (call) => (call === 2 ? { body: late() } : undefined)),
      partsAtOnce: 1,
    });
    async function* late(): AsyncGenerator<Uint8Array> {
      expect(await copier.copy({ message: aMessage() })).toMatchObject(STORED);
      yield BYTES.subarray(0, PART);
    }

    expect(await slow.copy({ message: aMessage() })).toMatchObject({ kind: "retry", code: "TARGET_UNAVAILABLE" });
    expect((await copier.copy({ message: aMessage() })).kind).toBe("present");
    expect(find()?.body.equals(BYTES)).toBe(true);
  });

  it("begins anew where its upload is gone", async () => {
    const { copier, create, uploads, client } = createParts(onPart(3, { kind: "unreachable", reason: "no" }));
    await copier.copy({ message: aMessage() });
    const [upload] = uploads();
    const at = { Bucket: TARGET.bucket, Key: KEY, UploadId: upload?.uploadId };
    await client.send(new AbortMultipartUploadCommand(at));

    const outcomes = [];
    const next = create({ fetch: serve(FILES) });
    for (let attempt = 0; attempt < 2; attempt += 1) outcomes.push(await next.copy({ message: aMessage() }));

    expect(outcomes).toMatchObject([{ kind: "retry", code: "TARGET_UNAVAILABLE" }, STORED]);
  });

  it("begins anew where its completion met another request", async () => {
    const { copier, sim, find } = createParts();
    const conflict = new SimFault("ConditionalRequestConflict", 409, "another");
    sim.once("S3.CompleteMultipartUpload", () => Promise.reject(conflict));

    expect(await copier.copy({ message: aMessage() })).toMatchObject({ kind: "retry", code: "TARGET_UNAVAILABLE" });
    expect(await copier.copy({ message: aMessage() })).toMatchObject(STORED);
    expect(find()?.body.equals(BYTES)).toBe(true);
  });

  it("takes several parts at once", async () => {
    const { create, find } = createParts();

    expect(await create({ partsAtOnce: 4 }).copy({ message: aMessage() })).toMatchObject(STORED);
    expect(find()?.body.equals(BYTES)).toBe(true);
  });
});

describe("a copy of a large file whose parts are not known", () => {
  const wrongSum = aManifest(PARTS.slice(1));
  it.each([
    ["names no manifest", anAnnouncement(BYTES), FILES],
    ["names a manifest that is missing", aMessage(), { [KEY]: BYTES }],
    [
      "names a manifest by another digest",
      { ...aMessage(), manifest: { key: MANIFEST_KEY, sha256: digest(BYTES), url: aUrl() } },
      FILES,
    ],
    [
      "names no URL of the manifest",
      { ...aMessage(), manifest: { key: MANIFEST_KEY, sha256: digest(MANIFEST) } },
      FILES,
    ],
    ["names a manifest of other parts", aMessage(wrongSum), { ...FILES, [MANIFEST_KEY]: wrongSum }],
  ])("since the message %s, compares the whole", async (_why, message, files) => {
    const { create, find, uploads } = createParts();

    const fetch = serve(files);
    expect(await create({ fetch }).copy({ message })).toMatchObject(STORED);

    expect(fetch.ranges.every((range) => range === undefined)).toBe(true);
    expect([find()?.body.equals(BYTES), uploads()]).toEqual([true, []]);
  });

  it.each([
    ["truncated", BYTES.subarray(0, -1), "SIZE_MISMATCH"],
    ["longer", Buffer.concat([BYTES, BYTES.subarray(0, 1)]), "SIZE_MISMATCH"],
    ["wrong", someBytes(BYTES.length, 9), "SHA256_MISMATCH"],
  ])("leaves nothing where the bytes are %s", async (_how, bytes, code) => {
    const { copier, find, uploads } = createParts(serve(FILES, () => bytes));

    expect(await copier.copy({ message: anAnnouncement(BYTES) })).toMatchObject({ kind: "retry", code });
    expect([find(), uploads()]).toEqual([undefined, []]);
  });

  it("waits for a manifest that may become available later", async () => {
    const { copier } = createParts(async () => ({ kind: "unreachable", reason: "no" }));

    expect(await copier.copy({ message: aMessage() })).toMatchObject({ kind: "retry", code: "SOURCE_UNAVAILABLE" });
  });
});

describe("the sweep", () => {
  it("ends uploads without activity for a day, and no others", async () => {
    const { copier, clock, uploads, sim } = createParts(onPart(2, { kind: "unreachable", reason: "no" }));
    await copier.copy({ message: aMessage() });

    const early = [await copier.sweepUploads(), uploads().length];
    await clock.advance(24 * 60 * 60_000 + 1);
    const late = [await copier.sweepUploads(), uploads().length];

    expect([early, late]).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(await copier.sweepUploads()).toBe(0);
    expect(sim.s3.findObject(TARGET.bucket, KEY)).toBeUndefined();
  });
});

const part = (size: number) => ({ size, sha256: "ab".repeat(32) });

describe("toCopyPartBytes", () => {
  it.each([
    [1, 64 * MIB],
    [640_000 * MIB, 64 * MIB],
    [640_000 * MIB + 1, 65 * MIB],
  ])("divides %d bytes into parts of %d", (size, expected) =>
    expect(toCopyPartBytes(size, MAX_WHOLE_BYTES)).toBe(expected),
  );

  it("never needs more than 10,000 parts, nor one above 5 GiB, up to the largest object", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 48 * 1_024 ** 4 }), (size) => {
        const bytes = toCopyPartBytes(size, MAX_WHOLE_BYTES);
        expect(Math.ceil(size / bytes)).toBeLessThanOrEqual(10_000);
        expect(bytes).toBeLessThanOrEqual(5 * 1_024 ** 3);
      }),
    );
  });
});

describe("planParts", () => {
  it("numbers parts and says where they begin", () => {
    const plan = planParts(21 * MIB, [part(10 * MIB), part(10 * MIB), part(MIB)]);

    expect(plan?.parts.map(({ number, from, size }) => [number, from, size])).toEqual([
      [1, 0, 10 * MIB],
      [2, 10 * MIB, 10 * MIB],
      [3, 20 * MIB, MIB],
    ]);
  });

  it("distinguishes plans by sizes and digests", () => {
    const plans = [
      planParts(16 * MIB, [part(8 * MIB), part(8 * MIB)]),
      planParts(16 * MIB, [part(10 * MIB), part(6 * MIB)]),
      planParts(16 * MIB, [part(8 * MIB), { ...part(8 * MIB), sha256: "cd".repeat(32) }]),
      planParts(16 * MIB, [part(8 * MIB), part(8 * MIB)]),
    ];

    const [first, ...others] = plans.map((plan) => plan?.digest);
    expect(others.map((digest) => digest === first)).toEqual([false, false, true]);
  });

  it.each([
    ["another size together", 17 * MIB, [part(8 * MIB), part(8 * MIB)]],
    ["a small part in the middle", 17 * MIB, [part(8 * MIB), part(MIB), part(8 * MIB)]],
    ["an empty part", 8 * MIB, [part(8 * MIB), part(0)]],
    ["a part above 5 GiB", 5 * 1_024 ** 3 + 1, [part(5 * 1_024 ** 3 + 1)]],
    ["too many parts", 10_001 * 8 * MIB, Array.from({ length: 10_001 }, () => part(8 * MIB))],
    ["no parts", 8 * MIB, []],
  ])("plans nothing for %s", (_what, size, parts) => expect(planParts(size, parts)).toBeUndefined());
});
