import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { isStackyardError } from "@stackyard/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ABucket, aPublication, createBucket, someBytes } from "../../testing/a-bucket.ts";
import { findArtifactCode } from "../manifest.ts";
import { commitManifest, type PublishInput, publishArtifact } from "../publish-artifact.ts";

let world: ABucket;
let folder: string;
beforeEach(() => {
  world = createBucket();
  folder = mkdtempSync(join(tmpdir(), "publish-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function refusal(over: Partial<PublishInput>): Promise<{ code: string | undefined; text: string }> {
  try {
    await publishArtifact(aPublication(world, over));
  } catch (error) {
    return { code: findArtifactCode(error), text: isStackyardError(error) ? error.message : String(error) };
  }
  throw new Error("It was published.");
}

const file = (path: string) => ({ path, body: Buffer.from("x") });

describe("what cannot be published", () => {
  it.each<[string, Partial<PublishInput>, string]>([
    ["a name with a dot segment", { name: "a/../b" }, "/name"],
    ["a name that is reserved", { name: "stackyard.probe" }, "/name"],
    ["a version with a slash", { version: "1/2" }, "/version"],
    ["no file", { files: [] }, "/files"],
    ["more than 1,000 files", { files: Array.from({ length: 1_001 }, (_, n) => file(`${n}`)) }, "this one has 1,001"],
    ["a label of two lines", { labels: { commit: "a\nb" } }, "/labels/commit"],
    ["a path that leaves its folder", { files: [file("../x")] }, "../x"],
    ["a path that leaves it when it is decoded", { files: [file("%2e%2e/x")] }, "%2e%2e"],
    ["a path with a control character", { files: [file("a\u0007")] }, "a\\u0007"],
    ["the same path twice", { files: [file("a"), file("a")] }, "twice"],
    ["a path where the manifest goes", { files: [file("manifest.json")] }, "the manifest's own"],
    ["a reserved prefix", { prefix: ".stackyard" }, "app.zip"],
    ["a label with a blank", { labels: { "a b": "c" } }, "/labels"],
  ])("is %s", async (_what, over, told) => {
    const { code, text } = await refusal(over);

    expect([code, text]).toEqual(["USAGE", expect.stringContaining(told)]);
    expect(world.sim.calls).toEqual([]);
  });

  it("is reported with the key and the rules for keys", async () => {
    const { text } = await refusal({
      files: [file("a\\b"), file("a/../b"), file("c"), file("c"), file("manifest.json")],
    });

    expect(text).toBe(
      [
        "Invalid publication.",
        '"billing-api/1.4.2/a/../b", "billing-api/1.4.2/a\\\\b": A key has at most 1,024 bytes, no backslash, control character, empty part, "." or "..", also when it is decoded, and does not begin with .stackyard/.',
        '"billing-api/1.4.2/c": The key appears twice in the manifest.',
        '"billing-api/1.4.2/manifest.json": This key is the manifest\'s own.',
      ].join(" "),
    );
  });

  it("is a file that is not there, or a folder", async () => {
    const missing = await refusal({ files: [{ path: "a", body: join(folder, "none") }] });
    const directory = await refusal({ files: [{ path: "a", body: folder }] });

    expect([missing.code, directory.code]).toEqual(["CONFIG_INVALID", "CONFIG_INVALID"]);
    expect(world.sim.calls).toEqual([]);
  });

  it.each([
    ["longer", 2],
    ["shorter", 4],
  ])("is a stream that is %s than it was said to be", async (_what, size) => {
    const { code } = await refusal({ files: [{ path: "a", body: Readable.from(["abc"]), size }] });

    expect([code, world.sim.s3.texts("source")]).toEqual(["SIZE_MISMATCH", {}]);
  });

  it("is a stream that is much longer than it was said to be: no more of it is read", async () => {
    let given = 0;
    const body = Readable.from(
      (function* () {
        for (; given < 1_000; given += 1) yield someBytes(1_024);
      })(),
    );

    const { code } = await refusal({ files: [{ path: "a", body, size: 3_000 }] });

    expect([code, world.sim.s3.uploads("source")]).toEqual(["SIZE_MISMATCH", []]);
    expect(given).toBeLessThan(50);
  });

  it("is a long stream that is longer than it was said to be: no more of it is read", async () => {
    const size = 65 * 1_048_576;
    let given = 0;
    const body = Readable.from(
      (function* () {
        for (; given < 200; given += 1) yield someBytes(1_048_576);
      })(),
    );

    const { code } = await refusal({ files: [{ path: "a", body, size }] });

    expect([code, world.sim.s3.texts("source"), world.sim.s3.uploads("source")]).toEqual(["SIZE_MISMATCH", {}, []]);
    expect(given).toBeLessThan(100);
  });

  it("is a file that changes while it is read", async () => {
    const path = join(folder, "app.zip");
    writeFileSync(path, "before");
    world.sim.once("S3.HeadObject", async (proceed) => {
      writeFileSync(path, "and after it");
      return proceed();
    });

    const { code } = await refusal({ files: [{ path: "app.zip", body: path }] });

    expect([code, world.sim.s3.texts("source")]).toEqual(["SIZE_MISMATCH", {}]);
  });

  it("is a long stream that is shorter than it was said to be: its upload is taken away", async () => {
    const size = 65 * 1_048_576;
    const body = Readable.from([someBytes(17 * 1_048_576)]);

    const { code } = await refusal({ files: [{ path: "a", body, size }] });

    expect([code, world.sim.s3.texts("source"), world.sim.s3.uploads("source")]).toEqual(["SIZE_MISMATCH", {}, []]);
  });

  it("is a stream that breaks before it is read, as of a file that is not there", async () => {
    const body = createReadStream(join(folder, "none"));
    world.sim.once("S3.GetObject", async (proceed) => {
      await new Promise<void>((resolve) => body.once("close", resolve));
      return proceed();
    });

    const { code, text } = await refusal({ files: [{ path: "a", body }] });

    expect([code, text]).toEqual(["CONFIG_INVALID", expect.stringContaining("ENOENT")]);
  });

  it("is a stream that breaks", async () => {
    const body = Readable.from(
      (async function* () {
        yield "a";
        throw new Error("the pipe broke");
      })(),
    );

    const { code, text } = await refusal({ files: [{ path: "a", body }] });

    expect([code, text]).toEqual(["CONFIG_INVALID", expect.stringContaining("the pipe broke")]);
  });
});

describe("a manifest", () => {
  it("is not committed when readers would reject it, as with too many parts", async () => {
    const PART = 32 * 1_048_576;
    const parts = Array.from({ length: 10_000 }, () => ({ size: PART, sha256: "0".repeat(64) }));
    const files = Array.from({ length: 5 }, (_, index) => {
      return { key: `billing-api/1.4.2/${index}`, size: 10_000 * PART, sha256: "0".repeat(64), parts };
    });
    const manifest = { v: 1 as const, name: "billing-api", version: "1.4.2", createdAt: "2026-01-01T00:00:00Z", files };
    const place = { ...world, manifestKey: "billing-api/1.4.2/manifest.json", signal: new AbortController().signal };

    const error: unknown = await commitManifest(place, manifest).catch((thrown: unknown) => thrown);

    expect(findArtifactCode(error)).toBe("MANIFEST_INVALID");
    expect(world.sim.calls).toEqual([]);
  });
});

describe("a stream that was read already", () => {
  it("is rejected when a publication is tried again with it, instead of being taken for an empty file", async () => {
    const files = [{ path: "a", body: Readable.from(["abc"]) }];
    world.sim.once("S3.PutObject", (proceed) => proceed());
    world.sim.once("S3.PutObject", () => Promise.reject(new Error("no network")));

    const [first, again] = [await refusal({ files }), await refusal({ files })];

    expect(first.code).toBe("UNREACHABLE");
    expect(again).toEqual({ code: "CONFIG_INVALID", text: expect.stringContaining("read already") });
    expect(world.sim.s3.texts("source")).toEqual({ "billing-api/1.4.2/a": "abc" });
  });
});

describe("a publisher", () => {
  it("says which rights it lacks", async () => {
    world = createBucket({ allow: ["s3:PutObject"] });

    const { code, text } = await refusal({});

    expect([code, text]).toEqual(["FORBIDDEN", expect.stringContaining("s3:ListBucket")]);
  });

  it("reports an unknown bucket", async () => {
    expect(await refusal({ bucket: "none" })).toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("does not take something else for a manifest", async () => {
    world.sim.s3.write("source", "billing-api/1.4.2/manifest.json", "{}");

    expect(await refusal({})).toMatchObject({ code: "MANIFEST_INVALID" });
  });

  it("stops when its signal aborts, and commits nothing", async () => {
    const stop = new AbortController();
    world.sim.once("S3.PutObject", async (proceed) => {
      stop.abort();
      return proceed();
    });

    const { code } = await refusal({ signal: stop.signal });

    expect(code).toBe("INTERRUPTED");
    expect(world.sim.s3.texts("source")).not.toHaveProperty("billing-api/1.4.2/manifest.json");
  });

  it.each([
    ["a short stream", []],
    ["a long stream", [someBytes(70 * 1_048_576)]],
  ])("stops at once while %s is silent", async (_what, chunks) => {
    const stop = new AbortController();
    const reading = Promise.withResolvers<void>();
    const body = new Readable({
      read() {
        const chunk = chunks.shift();
        if (chunk === undefined) reading.resolve();
        else this.push(chunk);
      },
    });
    const refused = refusal({ files: [{ path: "a", body }], signal: stop.signal });
    await reading.promise;
    stop.abort();

    expect(await refused).toMatchObject({ code: "INTERRUPTED" });
    expect([body.destroyed, world.sim.s3.uploads("source")]).toEqual([true, []]);
  });

  it("stops while it looks whether a file stands already", async () => {
    const path = join(folder, "large.bin");
    writeFileSync(path, someBytes(8 * 1_048_576));
    await publishArtifact(aPublication(world, { files: [{ path: "large.bin", body: path }] }));
    const stop = new AbortController();
    world.sim.once("S3.GetObject", async (proceed) => {
      const answer = await proceed();
      stop.abort();
      return answer;
    });

    expect(await refusal({ files: [{ path: "large.bin", body: path }], signal: stop.signal })).toMatchObject({
      code: "INTERRUPTED",
    });
  });

  it("ends with the first failure while another file is silent", async () => {
    const silent = new Readable({ read() {} });
    const files = [
      { path: "a", body: silent },
      { path: "b", body: Readable.from(["abc"]), size: 2 },
    ];

    expect(await refusal({ files })).toMatchObject({ code: "SIZE_MISMATCH" });
    expect(silent.destroyed).toBe(true);
  });

  it("reports a concurrent write of the same file", async () => {
    world.sim.once("S3.PutObject", async (proceed) => {
      world.sim.s3.write("source", "billing-api/1.4.2/app.zip", "theirs");
      return proceed();
    });

    expect(await refusal({})).toMatchObject({ code: "RECORD_CONFLICT" });
    expect(world.sim.s3.texts("source")).toEqual({ "billing-api/1.4.2/app.zip": "theirs" });
  });

  it("accepts a manifest that another publisher wrote in the meantime when it is equal", async () => {
    const text = JSON.stringify((await publishArtifact(aPublication(world))).manifest);
    world = createBucket();
    world.sim.once("S3.PutObject", async (proceed) => {
      world.sim.s3.write("source", "billing-api/1.4.2/manifest.json", text);
      return proceed();
    });

    expect(await publishArtifact(aPublication(world))).toMatchObject({ outcome: "already-published" });
  });
});
