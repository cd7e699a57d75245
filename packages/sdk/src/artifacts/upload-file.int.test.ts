import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { beforeEach, describe, expect, it } from "vitest";
import { type ABucket, aPublication, createBucket, someBytes } from "../testing/a-bucket.ts";
import { publishArtifact } from "./publish-artifact.ts";
import { checkStoredFile } from "./upload-file.ts";

const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const FILE = { key: "app.zip", size: 3, sha256: sha256("app") };

let world: ABucket;
beforeEach(() => {
  world = createBucket();
});

const check = (over: Partial<Parameters<typeof checkStoredFile>[0]> = {}) =>
  checkStoredFile({ client: world.client, bucket: world.bucket, file: FILE, ...over });
const operations = () => world.sim.calls.map(({ operation }) => operation);
const put = (Body: string, Metadata: Record<string, string> = {}) =>
  world.client.send(new PutObjectCommand({ Bucket: world.bucket, Key: "app.zip", Body, Metadata }));

describe("checking a file that is stored", () => {
  it("finds what is missing", async () => {
    expect(await check()).toEqual({ verdict: "missing", sha256: null });
  });

  it("needs to read none that was published, whole or in parts", async () => {
    const body = Readable.from([someBytes(32 * 1_048_576 + 1)]);
    const files = [
      { path: "a", body: Buffer.from("app") },
      { path: "b", body },
    ];
    const { manifest } = await publishArtifact(aPublication(world, { files }));
    const before = operations().length;

    const checks = await Promise.all(manifest.files.map((file) => check({ file })));

    expect(checks.map(({ verdict }) => verdict)).toEqual(["matching", "matching"]);
    expect(operations().slice(before)).toEqual(["S3.HeadObject", "S3.HeadObject"]);
  });

  it("reads what says nothing of itself", async () => {
    world.sim.s3.write("source", "app.zip", "app");
    expect(await check()).toEqual({ verdict: "matching", sha256: sha256("app") });

    world.sim.s3.write("source", "app.zip", "apq");
    expect(await check()).toEqual({ verdict: "different", sha256: sha256("apq") });
  });

  it("ignores the metadata of an object when it must read", async () => {
    await put("apq", { "stackyard-sha256": sha256("app") });

    expect([await check(), await check({ read: true })]).toEqual([
      { verdict: "matching", sha256: sha256("app") },
      { verdict: "different", sha256: sha256("apq") },
    ]);
  });

  it("returns the digest of other content, whatever its metadata says", async () => {
    await put("longer", { "stackyard-sha256": sha256("app") });
    expect(await check()).toEqual({ verdict: "different", sha256: sha256("longer") });

    await put("other", { "stackyard-sha256": sha256("other") });
    expect(await check()).toEqual({ verdict: "different", sha256: sha256("other") });
  });

  it("knows a template that a consumer has rewritten by what it was made of", async () => {
    const metadata = { "stackyard-sha256": sha256("app"), "stackyard-stored-sha256": sha256("rewritten") };
    const file = { ...FILE, rewrite: "template" as const };
    await put("rewritten", metadata);

    expect([await check({ file }), await check({ file, read: true })]).toEqual([
      { verdict: "matching", sha256: sha256("app") },
      { verdict: "matching", sha256: sha256("app") },
    ]);
    expect(await check()).toEqual({ verdict: "different", sha256: sha256("rewritten") });
    await put("spoiled", metadata);
    expect(await check({ file, read: true })).toEqual({ verdict: "different", sha256: sha256("spoiled") });
  });

  it("checks the exact version that a manifest names", async () => {
    world.sim.s3.write("source", "app.zip", "app");
    const versionId = world.sim.s3.findObject("source", "app.zip")?.versionId ?? "";
    world.sim.s3.write("source", "app.zip", "newer");

    expect([await check(), await check({ file: { ...FILE, versionId } })]).toMatchObject([
      { verdict: "different" },
      { verdict: "matching" },
    ]);
  });
});
