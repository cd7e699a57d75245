import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MANIFEST, type Matches, type SourceBucket, startSourceBucket } from "./a-source-bucket.ts";

const KINDS = [
  ["a bucket with versions", true],
  ["a bucket without versions", false],
] as const;

const isFor =
  (method: string, key: string, query = ""): Matches =>
  (request) =>
    request.method === method && request.path.includes(key) && request.path.includes(query);
const looksAtFile = isFor("HEAD", "/app.zip");
const writesFile = isFor("PUT", "/app.zip");
const writesManifest = isFor("PUT", `/${MANIFEST}`);

const digestsOf = (files: Readonly<Record<string, string | Buffer>>) =>
  Object.fromEntries(
    Object.entries(files).map(([path, bytes]) => [path, createHash("sha256").update(bytes).digest("hex")]),
  );

let bucket: SourceBucket;
afterEach(() => bucket.stop());

/** Checks that the bucket contains exactly the files of the manifest. */
function expectWhole(files: Readonly<Record<string, string | Buffer>>): void {
  expect(bucket.promised()).toEqual(digestsOf(files));
  expect(bucket.stored()).toEqual(digestsOf(files));
  expect([bucket.keys().toSorted(), bucket.openUploads()]).toEqual([Object.keys(files).toSorted(), 0]);
}

/** What comes out alike in both, and is decided by the same requests. */
const ALIKE = process.env["LONG_TESTS"] ? KINDS : KINDS.slice(0, 1);

describe.each(ALIKE)("two processes that publish one version into %s", (_kind, versioned) => {
  beforeEach(async () => {
    bucket = await startSourceBucket({ versioned });
  });

  it("both end well with the same content, and one of them has published it", async () => {
    const files = { "app.zip": "app", "templates/vpc.yaml": "vpc" };
    const [oneStays, otherStays] = [bucket.stay(looksAtFile), bucket.stay(looksAtFile)];
    bucket.meet(writesManifest);
    const one = bucket.publish(files);
    // Manifests of one millisecond are the same text, and both publishers would call it theirs.
    await oneStays.reached;
    const other = bucket.publish(files);
    await otherStays.reached;

    oneStays.letGo();
    otherStays.letGo();
    const ends = await Promise.all([one.ended, other.ended]);

    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    const outcomes = ends.map(({ result }) => result?.["outcome"]);
    expect(outcomes.toSorted()).toEqual(["already-published", "published"]);
    expect(ends[0]?.result?.["manifestSha256"]).toBe(ends[1]?.result?.["manifestSha256"]);
    expectWhole(files);
  });

  it.each([
    ["when its file is written", writesFile],
    ["when the manifest is written", writesManifest],
  ] as const)("one is killed %s, and run again", async (_moment, matches) => {
    const files = { "app.zip": "app" };
    const held = bucket.door.hold(matches, "after");
    const killed = bucket.publish(files);
    await held;
    const isCommitted = bucket.promised() !== undefined;
    killed.child.kill("SIGKILL");
    expect(await killed.ended).toMatchObject({ exitCode: null });

    const { exitCode, result } = await bucket.publish(files).ended;

    expect([exitCode, result?.["outcome"]]).toEqual([0, isCommitted ? "already-published" : "published"]);
    expect(isCommitted).toBe(matches === writesManifest);
    expectWhole(files);
  });
});

describe.each(KINDS)("two processes that publish other content at once into %s", (_kind, versioned) => {
  beforeEach(async () => {
    bucket = await startSourceBucket({ versioned });
  });

  it("one of them is refused with other content, and the other one's stands", async () => {
    const contents = [{ "app.zip": "app" }, { "app.zip": "apq" }] as const;
    bucket.meet(looksAtFile);

    const ends = await Promise.all(contents.map((files) => bucket.publish(files).ended));

    expect(ends.map(({ exitCode }) => exitCode).toSorted()).toEqual([0, 1]);
    const loser = ends.find(({ exitCode }) => exitCode === 1);
    expect(loser?.stderr).toContain("RECORD_CONFLICT");
    expectWhole(contents[ends.findIndex(({ exitCode }) => exitCode === 0)] ?? {});
  });

  it("one that comes when the other one's file stands, but no manifest yet, harms nothing", async () => {
    const [slow, quick] = [{ "app.zip": "app" }, { "app.zip": "apq" }];
    const { reached, letGo } = bucket.stay(writesManifest);
    const first = bucket.publish(slow);
    await reached;

    const second = await bucket.publish(quick).ended;
    letGo();
    const { exitCode, stderr } = await first.ended;

    const told = `${second.stderr}${stderr}`;
    // A versioned bucket keeps the first one's file too, and the manifest names the right version.
    expect([second.exitCode, exitCode]).toEqual(versioned ? [0, 1] : [1, 0]);
    expect(told).toContain(versioned ? "VERSION_CONFLICT" : "RECORD_CONFLICT");
    expectWhole(versioned ? quick : slow);
  });

  it("one that is killed when its file is written may be followed by one with other content", async () => {
    const held = bucket.door.hold(writesFile, "after");
    const killed = bucket.publish({ "app.zip": "app" });
    await held;
    killed.child.kill("SIGKILL");
    await killed.ended;

    const { exitCode, stderr } = await bucket.publish({ "app.zip": "apq" }).ended;

    if (versioned) {
      expect(exitCode).toBe(0);
      expectWhole({ "app.zip": "apq" });
    } else {
      expect([exitCode, bucket.promised()]).toEqual([1, undefined]);
      expect(stderr).toContain("RECORD_CONFLICT");
    }
  });
});

it("in a bucket with versions the manifest names the file of who commits first, not the newest", async () => {
  bucket = await startSourceBucket({ versioned: true });
  const [first, last] = [{ "app.zip": "app" }, { "app.zip": "apq" }];
  const [firstStays, lastStays] = [bucket.stay(writesManifest), bucket.stay(writesManifest)];
  const one = bucket.publish(first);
  await firstStays.reached;
  const other = bucket.publish(last);
  await lastStays.reached;

  firstStays.letGo();
  const winner = await one.ended;
  lastStays.letGo();
  const loser = await other.ended;

  expect([winner.exitCode, loser.exitCode]).toEqual([0, 1]);
  expect(loser.stderr).toContain("VERSION_CONFLICT");
  expectWhole(first);
});

it("one that is killed in the middle of a large file may be run again", async () => {
  bucket = await startSourceBucket({ versioned: false });
  // Large enough to be uploaded in parts.
  const files = { "app.zip": Buffer.alloc(65 * 1_024 ** 2, "large") };
  const held = bucket.door.hold(isFor("PUT", "/app.zip", "partNumber=3&"), "before");
  const killed = bucket.publish(files);
  await held;
  killed.child.kill("SIGKILL");
  await killed.ended;
  const left = bucket.openUploads();

  const { exitCode } = await bucket.publish(files).ended;

  expect(exitCode).toBe(0);
  expect(bucket.promised()).toEqual(digestsOf(files));
  expect(bucket.stored()).toEqual(digestsOf(files));
  // Its publisher may still be running, so the bucket's lifecycle rule deletes it.
  expect([left, bucket.openUploads()]).toEqual([1, 1]);
});
