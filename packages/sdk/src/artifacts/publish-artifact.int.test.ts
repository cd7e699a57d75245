import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ABucket, aPublication, createBucket, dieAt, someBytes } from "../testing/a-bucket.ts";
import { toCompositeSha256 } from "./file-parts.ts";
import { digestManifest, findArtifactCode, toManifestText } from "./manifest.ts";
import { publishArtifact } from "./publish-artifact.ts";

const MIB = 1_048_576;
const MANIFEST = "billing-api/1.4.2/manifest.json";
const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");

let world: ABucket;
let folder: string;
beforeEach(() => {
  world = createBucket();
  folder = mkdtempSync(join(tmpdir(), "publish-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function aFile(name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function loadText(key: string): Promise<string> {
  const { Body } = await world.client.send(new GetObjectCommand({ Bucket: world.bucket, Key: key }));
  return (await Body?.transformToString()) ?? "";
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: unknown) => findArtifactCode(error),
  );

/** Another client of the same bucket. */
function anotherClient(): S3Client {
  const credentials = world.sim.iam.addUser({ account: "111122223333", name: "other" });
  const client = new S3Client({ region: "eu-west-1", credentials, maxAttempts: 1 });
  client.middlewareStack.use(createSimPlugin(world.sim));
  return client;
}

describe("publishing an artifact", () => {
  it("writes the files, and the manifest last", async () => {
    const headers = { cacheControl: "no-cache" };
    const result = await publishArtifact(
      aPublication(world, {
        prefix: "artifacts",
        labels: { commit: "4f1c9d2" },
        files: [
          { path: "app.zip", body: aFile("app.zip", "app"), contentType: "application/zip", headers },
          { path: "templates/vpc.yaml", body: Buffer.from("AWSTemplateFormatVersion"), rewrite: "template" },
        ],
      }),
    );

    const folderKey = "artifacts/billing-api/1.4.2";
    const puts = world.sim.calls.filter(({ operation }) => operation === "S3.PutObject");
    expect(puts.map(({ input }) => input["CacheControl"]).filter(Boolean)).toEqual(["no-cache"]);
    expect(puts.at(-1)?.input).toMatchObject({ Key: `${folderKey}/manifest.json`, IfNoneMatch: "*" });
    expect(result).toMatchObject({ outcome: "published", bytes: 27, uploadedBytes: 27, skipped: [] });
    const text = await loadText(`${folderKey}/manifest.json`);
    expect([text, digestManifest(text)]).toEqual([toManifestText(result.manifest), result.manifestSha256]);
    expect(JSON.parse(text)).toEqual({
      v: 1,
      name: "billing-api",
      version: "1.4.2",
      createdAt: "2026-01-01T00:00:00.000Z",
      labels: { commit: "4f1c9d2" },
      files: [
        {
          key: `${folderKey}/app.zip`,
          size: 3,
          sha256: sha256("app"),
          contentType: "application/zip",
          headers,
          versionId: world.sim.s3.findObject("source", `${folderKey}/app.zip`)?.versionId,
        },
        {
          key: `${folderKey}/templates/vpc.yaml`,
          size: 24,
          sha256: sha256("AWSTemplateFormatVersion"),
          rewrite: "template",
          versionId: expect.any(String),
        },
      ],
    });
  });

  it("stores the digest with each file, and has S3 check it", async () => {
    await publishArtifact(aPublication(world));

    expect(world.sim.s3.findObject("source", "billing-api/1.4.2/app.zip")).toMatchObject({
      metadata: { "stackyard-sha256": sha256("app"), "stackyard-version": "1.4.2" },
      checksumSha256: createHash("sha256").update("app").digest("base64"),
    });
  });

  it("publishes empty files, and streams that do not say how long they are", async () => {
    const { manifest } = await publishArtifact(
      aPublication(world, {
        files: [
          { path: "empty", body: Buffer.alloc(0) },
          { path: "empty-stream", body: Readable.from([]) },
          { path: "stream", body: Readable.from(["ab", Buffer.from("c")]) },
        ],
      }),
    );

    expect(manifest.files.map(({ size, sha256: digest }) => [size, digest])).toEqual([
      [0, sha256("")],
      [0, sha256("")],
      [3, sha256("abc")],
    ]);
  });

  it("sends a large file in parts, with the digest of each", async () => {
    const bytes = someBytes(65 * MIB);

    const { manifest, uploadedBytes } = await publishArtifact(
      aPublication(world, { files: [{ path: "image.tar", body: aFile("image.tar", bytes) }] }),
    );

    const [file] = manifest.files;
    const sizes = [16, 16, 16, 16, 1].map((mib) => mib * MIB);
    const ends = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, size) => sum + size, 0));
    const parts = sizes.map((size, index) => {
      const to = ends[index] ?? 0;
      return { size, sha256: sha256(bytes.subarray(to - size, to)) };
    });
    expect(file).toMatchObject({ size: 65 * MIB, sha256: sha256(bytes), parts });
    expect(uploadedBytes).toBe(65 * MIB);
    const stored = world.sim.s3.findObject("source", "billing-api/1.4.2/image.tar");
    expect([stored?.size, stored?.checksumSha256]).toEqual([65 * MIB, toCompositeSha256(parts)]);
    expect(world.sim.s3.uploads("source")).toEqual([]);
  });

  it("sends a long stream in parts without knowing its end", async () => {
    const bytes = someBytes(33 * MIB);
    const chunks = Readable.from([bytes.subarray(0, 5), bytes.subarray(5, 33 * MIB - 1), bytes.subarray(33 * MIB - 1)]);

    const { manifest } = await publishArtifact(aPublication(world, { files: [{ path: "stream", body: chunks }] }));

    expect(manifest.files[0]).toMatchObject({ size: 33 * MIB, sha256: sha256(bytes) });
    expect(manifest.files[0]?.parts?.map(({ size }) => size)).toEqual([32 * MIB, MIB]);
  });

  it("reports its progress", async () => {
    const told: unknown[] = [];
    const onProgress: NonNullable<Parameters<typeof publishArtifact>[0]["onProgress"]> = (progress) =>
      told.push(progress);

    await publishArtifact(aPublication(world, { onProgress }));

    const all = { files: 1, bytes: 3, bytesPerSecond: 0, secondsLeft: null };
    expect(told).toEqual([
      { ...all, phase: "checking", filesDone: 0, bytesDone: 0 },
      { ...all, phase: "sending", filesDone: 0, bytesDone: 0 },
      { ...all, phase: "sending", filesDone: 0, bytesDone: 3 },
      { ...all, phase: "sending", filesDone: 1, bytesDone: 3 },
      { ...all, phase: "committing", filesDone: 1, bytesDone: 3 },
    ]);
  });
});

describe("publishing again", () => {
  it("succeeds with the same content, and writes only its manifest again, for a distributor that refused it", async () => {
    const first = await publishArtifact(aPublication(world));
    const written = world.sim.calls.length;
    await world.clock.advance(60_000);

    const again = await publishArtifact(
      aPublication(world, { labels: { build: "2" }, files: [{ path: "app.zip", body: Readable.from(["app"]) }] }),
    );

    expect(again).toMatchObject({
      outcome: "already-published",
      uploadedBytes: 0,
      skipped: ["billing-api/1.4.2/app.zip"],
    });
    expect(again.manifestSha256).toBe(first.manifestSha256);
    expect(world.sim.calls.slice(written).map(({ operation }) => operation)).toEqual([
      "S3.GetObject",
      "S3.HeadObject",
      "S3.PutObject",
    ]);
    expect(JSON.parse(world.sim.s3.texts("source")["billing-api/1.4.2/manifest.json"] ?? "")).toEqual(first.manifest);
  });

  it.each([
    ["is gone", () => world.sim.s3.remove("source", "billing-api/1.4.2/app.zip")],
    ["has another size", () => world.sim.s3.write("source", "billing-api/1.4.2/app.zip", "more than app")],
  ])("says that a file %s which the manifest names", async (_, harm) => {
    world = createBucket({ versioned: false });
    await publishArtifact(aPublication(world));
    harm();

    const error = await publishArtifact(aPublication(world)).catch((caught: unknown) => caught);

    expect(findArtifactCode(error)).toBe("SOURCE_MISSING");
    expect(error).toMatchObject({ message: expect.stringContaining('"billing-api/1.4.2/app.zip"') });
  });

  it.each([404, 409, 412])("leaves the manifest to another publisher that writes it at once: %i", async (status) => {
    await publishArtifact(aPublication(world));
    world.sim.once("S3.PutObject", () => Promise.reject(new SimFault("Busy", status, "Another one.")));

    expect(await publishArtifact(aPublication(world))).toMatchObject({ outcome: "already-published" });
  });

  it.each([
    ["other bytes", [{ path: "app.zip", body: Buffer.from("apq") }]],
    ["another path", [{ path: "app2.zip", body: Buffer.from("app") }]],
    [
      "one file more",
      [
        { path: "app.zip", body: Buffer.from("app") },
        { path: "b", body: Buffer.from("b") },
      ],
    ],
    ["another word on rewriting", [{ path: "app.zip", body: Buffer.from("app"), rewrite: "template" as const }]],
  ])("with %s is a conflict, and changes nothing", async (_what, files) => {
    await publishArtifact(aPublication(world));
    const before = world.sim.s3.texts("source");

    expect(await codeOf(publishArtifact(aPublication(world, { files })))).toBe("VERSION_CONFLICT");

    expect(world.sim.s3.texts("source")).toEqual(before);
  });

  it("does not send what stands already", async () => {
    const large = aFile("image.tar", someBytes(65 * MIB));
    const files = [
      { path: "app.zip", body: aFile("app.zip", "app") },
      { path: "image.tar", body: large },
    ];
    dieAt(world.client, 12, "before");
    await codeOf(publishArtifact(aPublication(world, { files })));

    const again = await publishArtifact({ ...aPublication(world, { files }), client: anotherClient() });

    expect(again).toMatchObject({ outcome: "published", uploadedBytes: 0 });
    expect(again.skipped).toEqual(["billing-api/1.4.2/app.zip", "billing-api/1.4.2/image.tar"]);
    expect(again.manifest.files[1]?.parts).toHaveLength(5);
  });

  it("replaces what a publication that never ended has left, when that is something else", async () => {
    world.sim.s3.write("source", "billing-api/1.4.2/app.zip", "old");

    await publishArtifact(aPublication(world));

    expect(await loadText("billing-api/1.4.2/app.zip")).toBe("app");
  });

  describe("in a bucket without versions", () => {
    beforeEach(() => {
      world = createBucket({ versioned: false });
    });

    it.each([
      ["S3.GetObject", 1, ["none", "VERSION_CONFLICT"]],
      ["S3.HeadObject", 1, ["none", "RECORD_CONFLICT"]],
      ["S3.PutObject", 1, ["none", "RECORD_CONFLICT"]],
      ["S3.PutObject", 2, ["RECORD_CONFLICT", "none"]],
    ])("never writes over another file, where a second publisher comes before its %s %i", async (call, at, codes) => {
      const theirs = { ...aPublication(world), client: anotherClient() };
      const ours = aPublication(world, { files: [{ path: "app.zip", body: Buffer.from("apq") }] });
      const ends: (string | undefined)[] = [];
      if (at === 2) world.sim.once(call, (proceed) => proceed());
      world.sim.once(call, async (proceed) => {
        ends.push(await codeOf(publishArtifact(theirs)));
        return proceed();
      });
      ends.push(await codeOf(publishArtifact(ours)));

      const { files } = JSON.parse(await loadText(MANIFEST));
      expect(ends).toEqual(codes);
      expect(files[0].sha256).toBe(sha256(await loadText("billing-api/1.4.2/app.zip")));
    });

    it("does not replace what has no manifest, and says what to do", async () => {
      world.sim.s3.write("source", "billing-api/1.4.2/app.zip", "old");

      expect(await codeOf(publishArtifact(aPublication(world)))).toBe("RECORD_CONFLICT");
      expect(await loadText("billing-api/1.4.2/app.zip")).toBe("old");
    });

    it("ends a publication that broke off, also of a stream", async () => {
      world.sim.s3.write("source", "billing-api/1.4.2/app.zip", "app");

      const { skipped } = await publishArtifact(
        aPublication(world, { files: [{ path: "app.zip", body: Readable.from(["app"]) }] }),
      );

      expect(skipped).toEqual(["billing-api/1.4.2/app.zip"]);
    });
  });

  it.each([[Buffer.from("app")], [someBytes(65 * MIB)]])(
    "finds its own file where S3's answer was lost",
    async (body) => {
      for (const call of ["S3.PutObject", "S3.CompleteMultipartUpload"] as const) {
        world.sim.once(call, async (proceed) => {
          await proceed();
          return proceed();
        });
      }

      const { manifest } = await publishArtifact(aPublication(world, { files: [{ path: "app.zip", body }] }));

      expect([manifest.files[0]?.sha256, world.sim.s3.uploads("source")]).toEqual([sha256(body), []]);
    },
  );

  it("has published it where the answer to its own manifest was lost", async () => {
    world.sim.once("S3.PutObject", (proceed) => proceed());
    world.sim.once("S3.PutObject", async (proceed) => {
      await proceed();
      return proceed();
    });

    const result = await publishArtifact(aPublication(world));

    expect(result).toMatchObject({ outcome: "published", uploadedBytes: 3, skipped: [] });
    expect(result.manifestSha256).toBe(digestManifest(await loadText(MANIFEST)));
  });

  it("keeps to the one that was first, when two publish at the same time", async () => {
    const files = (text: string) => [{ path: "app.zip", body: Buffer.from(text) }];
    const other = { ...aPublication(world, { files: files("app") }), client: anotherClient() };

    const ends = await Promise.allSettled([
      publishArtifact(aPublication(world, { files: files("apq") })),
      publishArtifact(other),
    ]);

    const winners = ends.filter(({ status }) => status === "fulfilled");
    expect(winners.length).toBeLessThanOrEqual(1);
    const after = await publishArtifact({ ...other, files: files(await loadText("billing-api/1.4.2/app.zip")) });
    expect(after.manifest.files[0]?.sha256).toBe(sha256(await loadText("billing-api/1.4.2/app.zip")));
  });
});

describe("a publisher that dies", () => {
  // As long as a stream must be to go up in parts.
  const bytes = someBytes(32 * MIB + 1);
  const digest = sha256(bytes);
  const files = () => [
    { path: "app.zip", body: Buffer.from("app") },
    { path: "image.tar", body: Readable.from([bytes]) },
  ];

  // Manifest, two looks, a small file, an upload of two parts with beginning and end, the manifest.
  const CALLS = 9;
  // After one call S3 is as before the next one.
  const cases = [
    ...Array.from({ length: CALLS }, (_, index) => ({ at: index + 1, when: "before" as const })),
    { at: CALLS, when: "after" as const },
  ];

  it.each(cases)(
    "$when call $at commits nothing that is not whole, and ends right when it is run again",
    async ({ at, when }) => {
      dieAt(world.client, at, when);

      await codeOf(publishArtifact(aPublication(world, { files: files() })));
      const committed = world.sim.s3.findObject("source", MANIFEST) !== undefined;
      const again = await publishArtifact({ ...aPublication(world, { files: files() }), client: anotherClient() });

      expect(committed).toBe(at === CALLS && when === "after");
      expect(again.outcome).toBe(committed ? "already-published" : "published");
      expect(again.manifest.files.map((file) => file.sha256)).toEqual([sha256("app"), digest]);
    },
  );

  it("makes as many calls as are tried here", async () => {
    await publishArtifact(aPublication(world, { files: files() }));

    expect(world.sim.calls).toHaveLength(CALLS);
  });

  it("takes its upload away where it can", async () => {
    world.sim.once("S3.UploadPart", () => Promise.reject(new Error("no network")));

    const code = await codeOf(publishArtifact(aPublication(world, { files: files() })));

    expect([code, world.sim.s3.uploads("source")]).toEqual(["UNREACHABLE", []]);
  });
});
