import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { createFakeClock } from "@stackyard/core/testing";
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
import { aUrl, KEY, NOW } from "../testing/a-message.ts";
import type { CopyFault } from "./artifact-source.ts";
import { limitTime, settleFault } from "./copier.ts";
import type { FaultCounts } from "./copy-memory.ts";

const BYTES = Buffer.from("the artifact");
const find = ({ sim }: ReturnType<typeof createACopier>, key = KEY) => sim.s3.findObject(TARGET.bucket, key);

describe("a copy of a small file", () => {
  it("stores what was announced, and says what it is", async () => {
    const world = createACopier({ fetch: serve({ [KEY]: BYTES }) });

    const outcome = await world.copier.copy({ message: anAnnouncement(BYTES) });

    const stored = find(world);
    expect(outcome).toEqual({
      kind: "stored",
      verified: true,
      size: 12,
      versionId: stored?.versionId,
      sourceSha256: digest(BYTES),
      storedSha256: digest(BYTES),
    });
    expect([stored?.body.toString(), stored?.contentType]).toEqual(["the artifact", "application/zip"]);
    expect(stored?.metadata).toEqual({
      "stackyard-sha256": digest(BYTES),
      "stackyard-version": "1.4.2",
      "stackyard-distribution": "d-1",
      "stackyard-sequence": "7",
    });
  });

  it("keeps the headers with which it is served, also in parts (s3p#24, aws-cli#1145, s3sync#36)", async () => {
    const headers = {
      cacheControl: "max-age=31536000",
      contentDisposition: "inline",
      contentEncoding: "gzip",
      contentLanguage: "de",
    };
    const large = Buffer.alloc(12 * 1_024 * 1_024, 1);
    const world = createACopier({ fetch: serve({ [KEY]: BYTES, "large.js": large }) });

    await world.copier.copy({ message: anAnnouncement(BYTES, { headers }) });
    const message = {
      ...anAnnouncement(large, { headers }),
      ArtifactKey: "large.js",
      ArtifactUrl: aUrl({}, "/large.js"),
    };
    await world.copier.copy({ message });

    const served = {
      CacheControl: "max-age=31536000",
      ContentDisposition: "inline",
      ContentEncoding: "gzip",
      ContentLanguage: "de",
    };
    const { s3 } = world.sim;
    expect([KEY, "large.js"].map((key) => s3.findObject(TARGET.bucket, key)?.headers)).toEqual([served, served]);
  });

  it("leaves nothing on the disk and no record", async () => {
    const folder = await mkdtemp(join(tmpdir(), "copier-test-"));
    const { sim, copier } = createACopier({ folder, fetch: serve({ [KEY]: BYTES }) });

    await copier.copy({ message: anAnnouncement(BYTES) });

    expect([Object.keys(sim.s3.texts(TARGET.bucket)), await readdir(folder)]).toEqual([[KEY], []]);
  });

  it("is the same when it is announced again, and when an empty file is", async () => {
    const empty = Buffer.alloc(0);
    const world = createACopier({ fetch: serve({ [KEY]: empty }) });

    const outcomes = [
      await world.copier.copy({ message: anAnnouncement(empty) }),
      await world.copier.copy({ message: anAnnouncement(empty) }),
    ];

    expect(outcomes.map(({ kind }) => kind)).toEqual(["stored", "present"]);
  });

  it("knows the file that the predecessor left, by reading it", async () => {
    const world = createACopier({ fetch: serve({ [KEY]: BYTES }) });
    world.sim.s3.write(TARGET.bucket, KEY, BYTES);

    expect(await world.copier.copy({ message: anAnnouncement(BYTES) })).toMatchObject({ kind: "present" });
  });

  it("stops reading the stored file when the time is over", async () => {
    const world = createACopier({ fetch: serve({ [KEY]: BYTES }) });
    world.sim.s3.write(TARGET.bucket, KEY, BYTES);
    const body = new Readable({ read: () => void world.clock.advance(60_000) });
    world.sim.once("S3.GetObject", (proceed) => proceed());
    world.sim.once("S3.GetObject", async () => ({ Body: body }));

    const outcome = await world.copier.copy({ message: anAnnouncement(BYTES), deadlineAt: NOW + 60_000 });

    expect([outcome.kind, body.destroyed]).toEqual(["suspended", true]);
  });

  it("is not written over the same version with other bytes", async () => {
    const world = createACopier({ fetch: serve({ [KEY]: BYTES }) });
    world.sim.s3.write(TARGET.bucket, KEY, "other bytes");

    expect(await world.copier.copy({ message: anAnnouncement(BYTES) })).toMatchObject({
      kind: "rejected",
      code: "VERSION_CONFLICT",
    });
    expect(find(world)?.body.toString()).toBe("other bytes");
  });

  it("is written again when the other bytes were deleted", async () => {
    const world = createACopier({ fetch: serve({ [KEY]: BYTES }) });
    world.sim.s3.write(TARGET.bucket, KEY, "damaged");
    const overwritten = await world.copier.copy({ message: anAnnouncement(BYTES) });
    await world.client.send(new DeleteObjectCommand({ Bucket: TARGET.bucket, Key: KEY }));

    const outcome = await world.copier.copy({ message: anAnnouncement(BYTES) });

    expect([overwritten.kind, outcome.kind, find(world)?.body.equals(BYTES)]).toEqual(["rejected", "stored", true]);
  });

  it("is written over an earlier version of its key, and not over a later one", async () => {
    const [old, young] = [Buffer.from("1"), Buffer.from("2")];
    const first = { ...anAnnouncement(old, { version: "1" }), sequence: 1 };
    const second = { ...anAnnouncement(young, { version: "2" }), sequence: 2 };
    const world = createACopier();

    const outcomes = [
      await world.create({ fetch: serve({ [KEY]: old }) }).copy({ message: first }),
      await world.create({ fetch: serve({ [KEY]: young }) }).copy({ message: second }),
      await world.create({ fetch: serve({ [KEY]: old }) }).copy({ message: first }),
    ];

    expect(outcomes.map(({ kind }) => kind)).toEqual(["stored", "stored", "superseded"]);
    expect(find(world)?.body.toString()).toBe("2");
  });

  it("follows what a message without a version left, rewritten or not", async () => {
    const key = "billing-api/1.4.2/template.yaml";
    const template = Buffer.from("AWSTemplateFormatVersion: '2010-09-09'\nCode:\n  S3Bucket: dist-bucket\n");
    const world = createACopier({ fetch: serve({ [key]: template }) });
    await world.copier.copy({ message: anOldAnnouncement(key) });

    const outcome = await world.copier.copy({ message: { ...anAnnouncement(template), ArtifactKey: key } });

    expect([outcome.kind, find(world, key)?.body.equals(template)]).toEqual(["stored", true]);
  });

  it("is encrypted with the consumer's key", async () => {
    const kmsKeyArn = "arn:aws:kms:eu-central-1:444455556666:key/k";
    const world = createACopier({ fetch: serve({ [KEY]: BYTES }) });
    const target = { ...TARGET, client: world.client, kmsKeyArn };

    await world.create({ target }).copy({ message: anAnnouncement(BYTES) });

    expect(find(world)?.encryption).toEqual({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: kmsKeyArn });
  });
});

describe("a file of a message of the first version", () => {
  it("overwrites any stored file, without a comparison", async () => {
    const world = createACopier({ fetch: serve({ [KEY]: BYTES }) });
    world.sim.s3.write(TARGET.bucket, KEY, "old");

    const outcome = await world.copier.copy({ message: anOldAnnouncement() });

    expect(outcome).toMatchObject({ kind: "stored", verified: false, sourceSha256: digest(BYTES), size: 12 });
    expect(find(world)?.metadata).toEqual({ "stackyard-sha256": digest(BYTES) });
  });

  it("is uploaded in parts when it is large, even if its size is unknown", async () => {
    const large = someBytes(11 * 1_024 ** 2);
    const world = createACopier({ fetch: serve({ [KEY]: large }, () => ({ length: undefined }) as never) });

    const outcome = await world.copier.copy({ message: anOldAnnouncement() });

    expect(outcome).toMatchObject({ kind: "stored", verified: false, sourceSha256: digest(large), size: large.length });
    expect(find(world)?.body.equals(large)).toBe(true);
  });

  it("is not replaced by a part of it, although its size is unknown", async () => {
    const part = { range: { from: 0, to: 11, size: 100 } };
    const world = createACopier({ fetch: serve({ [KEY]: BYTES }, () => part) });
    world.sim.s3.write(TARGET.bucket, KEY, "old");

    const outcome = await world.copier.copy({ message: anOldAnnouncement() });

    expect(outcome).toMatchObject({ kind: "retry", code: "SIZE_MISMATCH" });
    expect(find(world)?.body.toString()).toBe("old");
  });

  it.each([[true], [false]])("is rejected when it is larger than allowed (size announced: %s)", async (isTold) => {
    const large = someBytes(11 * 1_024 ** 2);
    const fetch = serve({ [KEY]: large }, () => (isTold ? undefined : ({ length: undefined } as never)));
    const world = createACopier({ fetch, maxBytes: 10 * 1_024 ** 2 });

    expect(await world.copier.copy({ message: anOldAnnouncement() })).toMatchObject({
      kind: "rejected",
      code: "TOO_LARGE",
    });
    expect([find(world), world.sim.s3.uploads(TARGET.bucket)]).toEqual([undefined, []]);
  });
});

describe("a template", () => {
  const key = "billing-api/1.4.2/template.yaml";
  const template = Buffer.from("AWSTemplateFormatVersion: '2010-09-09'\nCode:\n  S3Bucket: dist-bucket\n");
  const rewritten = Buffer.from(template.toString().replace("dist-bucket", "artifacts"));
  const digests = { sourceSha256: digest(template), storedSha256: digest(rewritten) };

  it.each([
    ["of a first message", anOldAnnouncement(key)],
    ["that requests it", { ...anAnnouncement(template, { rewrite: "template" }), ArtifactKey: key }],
  ])("%s is rewritten, and both digests are reported", async (_which, message) => {
    const world = createACopier({ fetch: serve({ [key]: template }) });

    const first = await world.copier.copy({ message });
    const outcomes = [first, await world.copier.copy({ message })];

    expect(outcomes).toMatchObject([
      { kind: "stored", size: template.length, ...digests },
      { kind: message.v === 1 ? "stored" : "present", size: template.length, ...digests },
    ]);
    expect(find(world, key)?.body.equals(rewritten)).toBe(true);
    expect(find(world, key)?.metadata).toMatchObject({
      "stackyard-sha256": digests.sourceSha256,
      "stackyard-stored-sha256": digests.storedSha256,
    });
  });

  describe("in a .json file", () => {
    const jsonKey = "billing-api/1.4.2/template.json";
    const json = Buffer.from('{"AWSTemplateFormatVersion": "2010-09-09", "Code": {"S3Bucket": "dist-bucket"}}');

    it.each([
      ["is left unchanged in a first message, as by the predecessor", anOldAnnouncement(jsonKey), "dist-bucket"],
      [
        "is rewritten when a message requests it",
        { ...anAnnouncement(json, { rewrite: "template" }), ArtifactKey: jsonKey },
        "artifacts",
      ],
    ])("%s", async (_which, message, bucket) => {
      const world = createACopier({ fetch: serve({ [jsonKey]: json }) });

      await world.copier.copy({ message });

      expect(find(world, jsonKey)?.body.toString()).toBe(json.toString().replace("dist-bucket", bucket));
    });
  });

  it("that does not request it is left unchanged", async () => {
    const world = createACopier({ fetch: serve({ [key]: template }) });

    await world.copier.copy({ message: { ...anAnnouncement(template), ArtifactKey: key } });

    expect(find(world, key)?.body.equals(template)).toBe(true);
  });
});

describe("a copy that cannot be made", () => {
  const lie = (text: string) => serve({ [KEY]: BYTES }, () => Buffer.from(text));

  it.each([
    ["truncated", lie("the art"), "SIZE_MISMATCH"],
    ["longer", lie("the artifact and more"), "SIZE_MISMATCH"],
    ["wrong", lie("the Artifact"), "SHA256_MISMATCH"],
    ["announced with another length", serve({ [KEY]: BYTES }, () => ({ length: 11 })), "SIZE_MISMATCH"],
  ])("for bytes that are %s is tried three times again, and leaves nothing", async (_how, fetch, code) => {
    const world = createACopier({ fetch });
    const message = anAnnouncement(BYTES);

    const outcomes = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) outcomes.push(await world.copier.copy({ message, attempt }));

    expect(outcomes).toMatchObject([
      { kind: "retry", code, stalls: 1 },
      { kind: "retry", code, stalls: 2 },
      { kind: "retry", code, stalls: 3 },
      { kind: "failed", code },
    ]);
    expect(Object.values(world.sim.s3.texts(TARGET.bucket)).join()).not.toContain("rtifact");
    expect(find(world)).toBeUndefined();
  });

  it.each([
    [{ kind: "refused", status: 403, code: "AccessDenied", message: "Request has expired" }, { kind: "refresh" }],
    [
      { kind: "refused", status: 403, code: "AccessDenied" },
      { kind: "retry", code: "SOURCE_DENIED" },
    ],
    [
      { kind: "refused", status: 404, code: "NoSuchKey" },
      { kind: "retry", code: "SOURCE_MISSING" },
    ],
    [
      { kind: "refused", status: 503, code: "SlowDown" },
      { kind: "retry", code: "SOURCE_UNAVAILABLE" },
    ],
    [{ kind: "redirected" }, { kind: "rejected", code: "URL_REDIRECT" }],
    [
      { kind: "forbidden", code: "URL_HOST", reason: "no" },
      { kind: "rejected", code: "URL_HOST" },
    ],
    [
      { kind: "unreachable", reason: "no" },
      { kind: "retry", code: "SOURCE_UNAVAILABLE" },
    ],
  ] as const)("where the source answers %j is %j", async (answer, expected) => {
    const world = createACopier({ fetch: async () => answer });

    const outcome = await world.copier.copy({ message: anAnnouncement(BYTES) });

    expect(outcome).toMatchObject(expected);
    expect(JSON.stringify(outcome)).not.toContain("X-Amz");
  });

  it("fails where the target denies it, after three deliveries", async () => {
    const allow = ["s3:GetObject", "s3:ListBucket"];
    const world = createACopier({ fetch: serve({ [KEY]: BYTES }) }, { allow });
    const message = anAnnouncement(BYTES);

    expect(await world.copier.copy({ message, attempt: 2 })).toMatchObject({ kind: "retry", code: "TARGET_DENIED" });
    expect(await world.copier.copy({ message, attempt: 3 })).toMatchObject({ kind: "failed", code: "TARGET_DENIED" });
  });

  it("reports a bucket of another account", async () => {
    const world = createACopier({ fetch: serve({ [KEY]: BYTES }) });
    const target = { ...TARGET, client: world.client, account: "999900001111" };

    const outcome = await world.create({ target }).copy({ message: anAnnouncement(BYTES), attempt: 3 });

    expect(outcome).toMatchObject({ kind: "failed", code: "BUCKET_FOREIGN" });
  });

  it("requires an S3 client where only the role may read", () => {
    expect(() => createACopier({ transfer: "identity" })).toThrow("requires an S3 client");
  });
});

function play(fault: CopyFault, deliveries: number): readonly string[] {
  let counts: FaultCounts = {};
  return Array.from({ length: deliveries }, (_, index) => {
    const settled = settleFault(fault, counts, index + 1);
    counts = settled.kind === "retry" ? settled.counts : counts;
    return settled.kind;
  });
}

describe("settleFault", () => {
  it.each([
    ["SOURCE_DENIED", 3],
    ["SOURCE_MISSING", 5],
    ["SIZE_MISMATCH", 4],
    ["SHA256_MISMATCH", 4],
  ] as const)("ends %s at the %dth time", (code, last) => {
    const kinds = play({ kind: "counted", code, reason: "r" }, last);

    expect(kinds).toEqual([...Array.from({ length: last - 1 }, () => "retry"), "failed"]);
  });

  it("counts each by itself", () => {
    const settled = settleFault({ kind: "counted", code: "SOURCE_DENIED", reason: "r" }, { SOURCE_MISSING: 4 }, 9);

    expect(settled).toEqual({
      kind: "retry",
      code: "SOURCE_DENIED",
      reason: "r",
      counts: { SOURCE_MISSING: 4, SOURCE_DENIED: 1 },
    });
  });

  it("ends what the target denies at the third delivery", () => {
    expect(play({ kind: "target", code: "TARGET_DENIED", reason: "r" }, 3)).toEqual(["retry", "retry", "failed"]);
  });

  it.each([
    [
      { kind: "expired", reason: "r" },
      { kind: "refresh", code: "URL_EXPIRED", reason: "r" },
    ],
    [
      { kind: "refused", code: "URL_REDIRECT", reason: "r" },
      { kind: "rejected", code: "URL_REDIRECT", reason: "r" },
    ],
    [
      { kind: "lost", reason: "r" },
      { kind: "retry", code: "TARGET_UNAVAILABLE", reason: "r", counts: {} },
    ],
    [
      { kind: "stopped", reason: "r" },
      { kind: "suspended", reason: "r" },
    ],
    [{ kind: "superseded", reason: "r" }, { kind: "superseded" }],
  ] as const)("settles %j", (fault, expected) => {
    expect(settleFault(fault, {}, 50)).toEqual(expected);
  });

  it("never ends what passes", () => {
    const kinds = play({ kind: "passing", code: "SOURCE_UNAVAILABLE", reason: "r" }, 50);

    expect(new Set(kinds)).toEqual(new Set(["retry"]));
  });
});

describe("limitTime", () => {
  it("is over five seconds before the end", async () => {
    const clock = createFakeClock();
    const { signal } = limitTime(clock, { deadlineAt: clock.now() + 60_000 });

    await clock.advance(54_999);
    const early = signal.aborted;
    await clock.advance(1);

    expect([early, signal.aborted]).toEqual([false, true]);
  });

  it("aborts immediately without remaining time", () => {
    const clock = createFakeClock();

    expect(limitTime(clock, { deadlineAt: clock.now() + 5_000 }).signal.aborted).toBe(true);
  });

  it("leaves no timer behind, and does not abort, when the work is done before", async () => {
    const clock = createFakeClock();
    const { signal, end } = limitTime(clock, { deadlineAt: clock.now() + 60_000 });

    end();
    await clock.advance(60_000);

    expect([clock.nextWakeAt(), signal.aborted]).toEqual([undefined, false]);
  });

  it("is over when the caller says so", () => {
    const controller = new AbortController();
    const { signal } = limitTime(createFakeClock(), { signal: controller.signal });

    controller.abort();

    expect(signal.aborted).toBe(true);
  });
});
