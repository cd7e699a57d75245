import { StackyardError } from "@stackyard/core";
import { findArtifactCode } from "@stackyard/sdk/artifacts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aCell, aRow, type CommandWorld, createCommandWorld } from "../testing/a-command-world.ts";

let world: CommandWorld;
beforeEach(() => {
  world = createCommandWorld();
});
afterEach(() => world.remove());

const VERSION = { name: "billing-api", version: "1.4.2" };
const CONSUMER = { account: "222233334444", region: "eu-west-1" };
const SUMMARY = {
  ...VERSION,
  manifestSha256: "0".repeat(64),
  publishedAt: "2026-01-01T00:00:00.000Z",
  files: 1,
  bytes: 3,
  labels: { commit: "4f1c9d2" },
  retired: false,
  covered: true,
};
const VIEW = {
  ...CONSUMER,
  bucket: "target",
  generation: "v2",
  capabilities: ["v2", "sha256"],
  firstSeenAt: "2026-01-01T00:00:00.000Z",
  lastReceiptAt: null,
  registered: true,
  distrustedAt: null,
  unsubscribedAt: null,
};
const codeOf = (work: Promise<unknown>) => work.then(() => "none", findArtifactCode);

describe("the names of accounts", () => {
  const named = { accounts: { "222233334444": "shop-prod" } };
  const cell = { account: "222233334444", accountName: "shop-prod" };

  it("are in every table, and next to the id in JSON", async () => {
    const failed = aCell({ status: "failed", code: "SHA256_MISMATCH" });
    world.answers.coverage = () => ({ rows: [aRow([failed])] });
    world.answers.consumers = () => ({ items: [VIEW] });
    world.answers.consumer = () => ({ ...VIEW, cells: [] });
    world.answers.show = () => ({ ...SUMMARY, manifest: {}, cells: [aCell()] });

    const coverage = await world.run("artifacts coverage", {}, named);
    const list = await world.run("consumers ls", {}, named);
    const one = await world.run("consumers show", CONSUMER, named);
    const version = await world.run("artifacts show", VERSION, named);

    expect(coverage.text).toMatch(/^ +shop-prod\n +222233334444\nARTIFACT +euw1\n/);
    expect(coverage.text).toContain("billing-api@1.4.2  shop-prod (222233334444)  eu-west-1  failed");
    expect(coverage.value["rows"]).toMatchObject([{ cells: [cell] }]);
    expect(list.text).toContain("\nshop-prod (222233334444)  eu-west-1  v2");
    expect(list.value["consumers"]).toMatchObject([cell]);
    world.answers.consumers = () => ({ items: [{ ...VIEW, distrustedAt: "2026-02-03T04:05:06.000Z" }] });
    expect((await world.run("consumers ls", {}, named)).text).toContain("  not since 2026-02-03T04:05:06  ");
    world.answers.consumers = () => ({ items: [{ ...VIEW, unsubscribedAt: "2026-03-03T04:05:06.000Z" }] });
    expect((await world.run("consumers ls", {}, named)).text).toContain("  not since 2026-03-03T04:05:06  ");
    expect(one.text).toContain("shop-prod (222233334444) eu-west-1: v2, registered\n");
    expect(one.value["consumer"]).toMatchObject(cell);
    expect(version.text).toContain("\nshop-prod (222233334444)  eu-west-1  stored");
    expect(version.value["artifact"]).toMatchObject({ cells: [cell] });
  });

  it("are in what a wait misses", async () => {
    world.answers.coverage = () => ({ rows: [aRow([aCell({ status: "expected" })])] });

    const running = world.run(
      "artifacts coverage",
      { artifact: "billing-api@1.4.2", wait: true, timeout: "5s" },
      named,
    );
    await expect.poll(() => world.asked.length).toBe(1);
    await world.clock.advance(10_000);

    const { notes, events } = await running;
    expect(notes.join("\n")).toContain("missing in shop-prod (222233334444) eu-west-1 (expected)");
    expect(events[0]).toMatchObject({ cells: [cell] });
  });
});

describe("artifacts coverage", () => {
  it("shows the matrix and what is in the way; exit code 1 until all stand everywhere", async () => {
    const failed = aCell({ region: "us-east-1", status: "failed", code: "SHA256_MISMATCH", filesDone: 0 });
    world.answers.coverage = () => ({ rows: [aRow(), aRow([failed], { version: "1.4.1" })] });

    const { exitCode, text, value } = await world.run("artifacts coverage");

    expect(exitCode).toBe(1);
    expect(text).toContain("euw1 use1");
    expect(text).toContain("billing-api@1.4.1  222233334444  us-east-1  failed  SHA256_MISMATCH  0 of 1 file");
    expect(text.split("\n").at(-1)).toBe("Covered: 1 of 2 versions.");
    expect(value).toMatchObject({ covered: false, rows: [{ version: "1.4.2" }, { version: "1.4.1" }] });
  });

  it("requests the named rows, over all pages, and reads one row beyond its limit", async () => {
    world.answers.coverage = (request) => ({
      rows: [aRow()],
      cursor: "cursor" in request ? `${request.cursor}+` : "1",
    });

    const { exitCode, value } = await world.run("artifacts coverage", {
      artifact: "billing-api@1.4.2",
      ...CONSUMER,
      limit: 3,
    });

    expect([exitCode, value["rows"]]).toEqual([0, [aRow(), aRow(), aRow()]]);
    expect(world.asked).toEqual([
      { op: "coverage", ...VERSION, ...CONSUMER },
      { op: "coverage", ...VERSION, ...CONSUMER, cursor: "1" },
      { op: "coverage", ...VERSION, ...CONSUMER, cursor: "1+" },
      { op: "coverage", ...VERSION, ...CONSUMER, cursor: "1++" },
    ]);
  });

  it("does not count what was retired", async () => {
    world.answers.coverage = () => ({ rows: [aRow(), aRow([aCell({ status: "failed" })], { retired: true })] });

    expect(await world.run("artifacts coverage")).toMatchObject({ exitCode: 0 });
  });

  it.each([
    ["nothing fits", [], "No published version matches."],
    ["no consumer should have it", [aRow([])], "1 without a registered consumer."],
  ])("answers no when %s", async (_what, rows, told) => {
    world.answers.coverage = () => ({ rows });

    const { exitCode, text } = await world.run("artifacts coverage");

    expect([exitCode, text]).toEqual([1, expect.stringContaining(told)]);
  });

  it.each([
    [{ account: "999999999999" }],
    [{ region: "sa-east-1" }],
    [{ account: "999999999999", region: "sa-east-1" }],
  ])("answers no when nothing was announced to %j, whatever its state elsewhere", async (place) => {
    world.answers.coverage = () => ({ rows: [aRow([], { covered: true })] });

    const { exitCode, text, value } = await world.run("artifacts coverage", place);

    expect([exitCode, value["covered"]]).toEqual([1, false]);
    expect(text).toBe(`Nothing was announced to ${Object.values(place).join(" ")}.`);
  });

  it("waits for one version", async () => {
    const looks = [[], [aRow()]];
    world.answers.coverage = () => ({ rows: looks.shift() ?? [] });

    const running = world.run("artifacts coverage", { artifact: "billing-api@1.4.2", wait: true });
    await expect.poll(() => world.asked.length).toBe(1);
    await world.clock.advance(5_000);

    expect(await running).toMatchObject({ exitCode: 0, value: { covered: true } });
  });

  it("ends in time with 4 when the distributor does not answer, and says so", async () => {
    const asked = Promise.withResolvers<void>();
    world.answers.coverage = () => {
      asked.resolve();
      return new Promise(() => undefined) as never;
    };

    const running = world.run("artifacts coverage", { artifact: "billing-api@1.4.2", wait: true, timeout: "10s" });
    await asked.promise;
    await world.clock.advance(10_000);

    const { exitCode, text, notes } = await running;
    expect([exitCode, text]).toEqual([4, "The distributor returned no coverage of billing-api 1.4.2."]);
    expect(notes).toEqual([
      expect.stringContaining("After 10s the last request failed: The distributor did not answer"),
    ]);
  });

  it("says that the distributor cannot be reached while it waits for it", async () => {
    const looks = [new StackyardError("UNREACHABLE", "The distributor is gone.")];
    world.answers.coverage = () => {
      const fault = looks.shift();
      if (fault !== undefined) throw fault;
      return { rows: [aRow()] };
    };

    const running = world.run("artifacts coverage", { artifact: "billing-api@1.4.2", wait: true, timeout: "10s" });
    await expect.poll(() => world.asked.length).toBe(1);
    await world.clock.advance(5_000);

    const { exitCode, notes } = await running;
    expect([exitCode, notes]).toEqual([0, ["The distributor is gone. Retrying until 10s have passed."]]);
  });

  it("ends with 4 when an unknown version does not appear", async () => {
    world.answers.coverage = () => ({ rows: [] });

    const running = world.run("artifacts coverage", { artifact: "billing-api@1.4.2", wait: true, timeout: "10s" });
    await expect.poll(() => world.asked.length).toBe(1);
    await world.clock.advance(10_000);

    const { exitCode, notes } = await running;
    expect([exitCode, notes]).toEqual([4, [expect.stringContaining("the distributor does not know it")]]);
  });

  it.each([
    [{ artifact: "a@b@c" }],
    [{ artifact: "A" }],
    [{ wait: true }],
    [{ wait: true, artifact: "billing-api" }],
    [{ wait: true, artifact: "billing-api@1.4.2", ...CONSUMER }],
    [{ timeout: "5m" }],
    [{ distributor: "not a name" }],
    [{ account: "1" }],
  ])("rejects %j", async (args) => {
    expect(await codeOf(world.run("artifacts coverage", args))).toBe("USAGE");
    expect(world.asked).toEqual([]);
  });

  it("wants to know which distributor", async () => {
    expect(await codeOf(world.run("artifacts coverage", {}, { environment: {} }))).toBe("USAGE");
  });

  it("fits the terminal", async () => {
    const cells = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3"];
    world.answers.coverage = () => ({ rows: [aRow(cells.map((region) => aCell({ region })))] });
    const environment = { STACKYARD_DISTRIBUTOR: "distributor", COLUMNS: "40" };

    const { text } = await world.run("artifacts coverage", {}, { environment });

    expect(text.match(/^ARTIFACT/gm)?.length).toBeGreaterThan(1);
  });
});

describe("the distributor of a command", () => {
  it.each([
    [{ distributor: "mine" }, { AWS_REGION: "eu-west-2" }, { functionName: "mine", region: "eu-west-2" }],
    [{ distributor: "mine", distributorRegion: "us-east-1" }, {}, { functionName: "mine", region: "us-east-1" }],
    [{}, { STACKYARD_DISTRIBUTOR: "theirs" }, { functionName: "theirs" }],
  ])("is that of %j and %j", async (args, environment, expected) => {
    world.answers.consumers = () => ({ items: [] });

    await world.run("consumers ls", args, { environment: environment as Record<string, string> });

    expect(world.opened.distributors).toEqual([expected]);
  });

  it("rejects by its own codes", async () => {
    world.answers.refresh = () => {
      throw new StackyardError("NOT_FOUND", "No version.");
    };

    expect(await codeOf(world.run("artifacts refresh", VERSION))).toBe("NOT_FOUND");
  });
});

describe("artifacts ls and show", () => {
  it("lists", async () => {
    world.answers.list = () => ({ items: [SUMMARY, { ...SUMMARY, version: "1.4.1", covered: false, bytes: 5_000 }] });

    const { text, value } = await world.run("artifacts ls", { artifact: "billing-api" });

    expect(text).toBe(`PUBLISHED            NAME         VERSION  FILES     SIZE  COVERED
2026-01-01T00:00:00  billing-api  1.4.2        1      3 B  yes
2026-01-01T00:00:00  billing-api  1.4.1        1  4.9 KiB  no`);
    expect(value["artifacts"]).toHaveLength(2);
    expect(world.asked).toEqual([{ op: "list", name: "billing-api" }]);
  });

  it("shows files and cells, and nothing in them moves a cursor", async () => {
    const sha256 = "a".repeat(64);
    const manifest = {
      v: 1,
      ...VERSION,
      createdAt: "2026-01-01T00:00:00Z",
      files: [{ key: "k\u202e", size: 3, sha256 }],
    };
    const labels = { commit: "x\u001b[2Jy" };
    world.answers.show = () => ({ ...SUMMARY, labels, manifest, cells: [aCell({ verified: false })] });

    const { text } = await world.run("artifacts show", VERSION);

    expect(text).toContain("Labels    commit=xy");
    expect(text).toContain(`k      3 B  ${sha256}`);
    expect(text).toMatch(/222233334444 +eu-west-1 +stored +1 of 1 +no +2026/);
  });

  it("says of a digest that was compared, and nothing of what does not stand", async () => {
    const cells = [aCell(), aCell({ region: "us-east-1", status: "announced", filesDone: 0, verified: false })];
    world.answers.show = () => ({ ...SUMMARY, manifest: null, cells });

    const { text } = await world.run("artifacts show", VERSION);

    expect(text).toMatch(/eu-west-1 +stored +1 of 1 +yes +2026/);
    expect(text).toMatch(/us-east-1 +announced +0 of 1 +2026/);
  });

  it("is empty where there is nothing", async () => {
    world.answers.list = () => ({ items: [] });
    world.answers.show = () => ({ ...SUMMARY, manifest: null, cells: [] });

    expect((await world.run("artifacts ls")).text).toBe("Nothing is published yet.");
    expect((await world.run("artifacts ls", { artifact: "billing-api" })).text).toBe("No published version matches.");
    expect((await world.run("artifacts show", VERSION)).text).toContain("No consumer is expected to have it.");
    expect(await codeOf(world.run("artifacts ls", { artifact: "billing-api@1" }))).toBe("USAGE");
  });
});

describe("artifacts replay, refresh and retire", () => {
  it("replays", async () => {
    world.answers.replay = () => ({ executionArn: "arn:e", startedAt: "2026-01-01T00:00:00Z" });

    const { exitCode, text } = await world.run("artifacts replay", {
      ...CONSUMER,
      since: "2026-01-01",
      artifact: "billing-api",
    });

    expect([exitCode, text]).toEqual([0, "Started: arn:e"]);
    expect(world.asked).toEqual([
      { op: "replay", ...CONSUMER, since: "2026-01-01T00:00:00.000Z", artifact: "billing-api" },
    ]);
    for (const since of ["2026-13-45", "2026-02-31", "2026-02-29T00:00:00Z", "2026-01-01T25:00:00Z"]) {
      expect(await codeOf(world.run("artifacts replay", { ...CONSUMER, since }))).toBe("USAGE");
    }
  });

  it("refreshes, everywhere or at one consumer", async () => {
    world.answers.refresh = (request) => ({ files: 2, messages: "account" in request ? 2 : 0 });

    const [everywhere, one] = [
      await world.run("artifacts refresh", VERSION),
      await world.run("artifacts refresh", { ...VERSION, ...CONSUMER }),
    ];

    expect([everywhere.text, one.text]).toEqual([
      "Nothing to send: no consumer misses it.",
      "Announced again: 2 files in 2 messages.",
    ]);
    expect(await codeOf(world.run("artifacts refresh", { ...VERSION, account: CONSUMER.account }))).toBe("USAGE");
  });

  it("retires only when it is sure", async () => {
    world.answers.retire = () => ({ retired: true, messages: 3 });

    expect(await codeOf(world.run("artifacts retire", VERSION))).toBe("USAGE");
    expect(world.asked).toEqual([]);
    const { text } = await world.run("artifacts retire", { ...VERSION, yes: true });
    expect(text).toBe("billing-api 1.4.2 is retired. Sent to consumers: 3 messages.");
  });
});

describe("consumers ls and show", () => {
  it("lists", async () => {
    world.answers.consumers = () => ({ items: [VIEW] });

    const { text, value } = await world.run("consumers ls");

    expect(text).toContain(
      "222233334444  eu-west-1  v2          yes         yes      yes         never         target  v2 sha256",
    );
    expect(value).toEqual({ consumers: [VIEW], limited: false });
  });

  it("shows the state of every version there", async () => {
    world.answers.consumer = () => ({ ...VIEW, cells: [{ ...aCell({ status: "overdue" }), ...VERSION }] });

    const { text } = await world.run("consumers show", CONSUMER);

    expect(text).toMatch(/billing-api +1\.4\.2 +overdue/);
    expect(text.split("\n").at(-1)).toBe("Stored: 0 of 1 version.");
    expect(await codeOf(world.run("consumers show", { ...CONSUMER, region: "$(id)" }))).toBe("USAGE");
  });
});

describe("a version that the distributor has refused", () => {
  const refusal = {
    key: "billing-api/1.4.2/manifest.json",
    code: "SOURCE_MISSING",
    reason: "billing-api/1.4.2/app.zip is not in the bucket.",
    at: "2026-01-01T00:00:00.000Z",
    retryUntil: null,
  };
  const none = { manifestSha256: null, publishedAt: null, covered: false, refusal };
  const line = "billing-api@1.4.2  refused  SOURCE_MISSING: billing-api/1.4.2/app.zip is not in the bucket. Given up.";

  it("is a row with its reason in every list", async () => {
    world.answers.list = () => ({ items: [{ ...SUMMARY, ...none, files: 0, bytes: 0, labels: {} }] });
    world.answers.show = () => ({ ...SUMMARY, ...none, files: 0, bytes: 0, labels: {}, manifest: null, cells: [] });
    world.answers.coverage = () => ({ rows: [aRow([], none)] });

    const texts = [
      (await world.run("artifacts ls")).text,
      (await world.run("artifacts show", VERSION)).text,
      (await world.run("artifacts coverage")).text,
    ];

    expect(texts[0]).toMatch(/\n- {2,}billing-api {2}1\.4\.2 +0 +0 B {2}refused\n/);
    for (const text of texts) expect(text).toContain(line);
    expect(texts[1]).not.toContain("Manifest");
    expect(texts[2]).toMatch(/\n\nCovered: 0 of 1 version. Refused: 1.$/);
  });

  it("is named by a wait, and by a check of the bucket", async () => {
    const retryUntil = "2026-01-01T01:00:00.000Z";
    world.answers.coverage = () => ({ rows: [aRow([], { ...none, refusal: { ...refusal, retryUntil } })] });
    world.answers.show = () => ({ ...SUMMARY, ...none, manifest: null, cells: [] });

    const running = world.run("artifacts coverage", { artifact: "billing-api@1.4.2", wait: true, timeout: "5s" });
    await expect.poll(() => world.asked.length).toBe(1);
    await world.clock.advance(10_000);
    const { exitCode, notes } = await running;

    expect(exitCode).toBe(4);
    expect(notes.join()).toContain("the distributor refused it: SOURCE_MISSING: billing-api/1.4.2/app.zip");
    expect(notes.join()).toContain("Looks again until 2026-01-01T01:00:00.");
    await expect(world.run("artifacts verify", VERSION)).rejects.toMatchObject({
      code: "OUTCOME_NEGATIVE",
      message: expect.stringContaining("SOURCE_MISSING"),
    });
  });
});

describe("artifacts verify", () => {
  const digestOfApp = "a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333";
  const digestOfB = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";
  const digests = [digestOfApp, digestOfB];
  beforeEach(async () => {
    world.write("dist/app.zip", "app");
    world.write("dist/b.txt", "b");
    await world.run("artifacts publish", { ...VERSION, path: "dist" });
    const manifest = JSON.parse(world.sim.s3.texts("source")["billing-api/1.4.2/manifest.json"] ?? "null");
    world.answers.show = () => ({ ...SUMMARY, manifest, cells: [] });
    world.answers.consumer = () => ({ ...VIEW, cells: [] });
    world.answers.compare = (request) => {
      const seen = "seen" in request ? request.seen : [];
      const missing = seen.filter(({ sha256 }) => sha256 === null).map(({ key }) => key);
      const different = seen.filter(({ sha256 }) => sha256 !== null && !digests.includes(sha256)).map(({ key }) => key);
      return { matching: seen.length - missing.length - different.length, missing, different };
    };
  });

  it("compares the source with its manifest", async () => {
    const { exitCode, text, value } = await world.run("artifacts verify", VERSION);

    expect([exitCode, text]).toEqual([0, "billing-api 1.4.2 in source: all 2 files match."]);
    expect(value).toMatchObject({ bucket: "source", matching: 2, missing: [], different: [] });
  });

  it("checks a consumer's bucket, and reports to the distributor what it has seen", async () => {
    world.sim.s3.write("target", "billing-api/1.4.2/app.zip", "app");

    const { exitCode, text } = await world.run("artifacts verify", {
      ...VERSION,
      ...CONSUMER,
      role: "arn:aws:iam::222233334444:role/look",
    });

    expect([exitCode, text]).toEqual([
      1,
      "billing-api 1.4.2 in target: 1 of 2 files do not match.\nmissing  billing-api/1.4.2/b.txt",
    ]);
    expect(world.opened.aws.at(-1)).toEqual({ region: "eu-west-1", role: "arn:aws:iam::222233334444:role/look" });
    expect(world.asked.at(-1)).toEqual({
      op: "compare",
      ...CONSUMER,
      ...VERSION,
      bucket: "target",
      elapsedMs: 0,
      seen: [
        { key: "billing-api/1.4.2/app.zip", sha256: digestOfApp },
        { key: "billing-api/1.4.2/b.txt", sha256: null },
      ],
    });
  });

  it("reports its progress from time to time, not with each file", async () => {
    const { progress } = await world.run("artifacts verify", VERSION);

    expect(progress).toEqual(["Checked 1 of 2 files", "Checked 2 of 2 files"]);
  });

  it("does not believe the distributor that a file stands where none was seen", async () => {
    world.sim.s3.write("target", "billing-api/1.4.2/app.zip", "app");
    world.answers.compare = () => ({ matching: 2, missing: [], different: [] });

    const { exitCode, value } = await world.run("artifacts verify", { ...VERSION, ...CONSUMER });

    expect([exitCode, value["missing"]]).toEqual([1, ["billing-api/1.4.2/b.txt"]]);
  });

  it("trusts the distributor about a template that a consumer reported as rewritten", async () => {
    world.sim.s3.write("target", "billing-api/1.4.2/app.zip", "its own bucket");
    world.sim.s3.write("target", "billing-api/1.4.2/b.txt", "b");
    world.answers.compare = () => ({ matching: 2, missing: [], different: [] });

    expect(await world.run("artifacts verify", { ...VERSION, ...CONSUMER })).toMatchObject({ exitCode: 0 });
  });

  it("finds what is something else", async () => {
    world.sim.s3.write("target", "billing-api/1.4.2/app.zip", "apq");
    world.sim.s3.write("target", "billing-api/1.4.2/b.txt", "b");

    const { exitCode, value } = await world.run("artifacts verify", { ...VERSION, ...CONSUMER, bucket: "target" });

    expect([exitCode, value["different"]]).toEqual([1, ["billing-api/1.4.2/app.zip"]]);
  });

  it.each([
    [{ account: CONSUMER.account }],
    [{ role: "arn:aws:iam::222233334444:role/look" }],
    [{ ...CONSUMER, externalId: "x" }],
  ])("rejects %j alone", async (args) => {
    expect(await codeOf(world.run("artifacts verify", { ...VERSION, ...args }))).toBe("USAGE");
  });

  it("needs a bucket that the distributor does not know", async () => {
    world.answers.consumer = () => ({ ...VIEW, bucket: null, cells: [] });

    expect(await codeOf(world.run("artifacts verify", { ...VERSION, ...CONSUMER }))).toBe("USAGE");
  });
});
