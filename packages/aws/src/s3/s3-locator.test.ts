import { SimFault } from "@stackyard/aws-sim";
import { type Logger, silentLogger } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { type BucketOptions, createBucket } from "../testing/a-bucket.ts";
import { createS3Locator, loadMachineObjects, toMachineObjects } from "./s3-locator.ts";

const MINUTE = 60_000;
const machine = (event: string): string => `version: 1
events: [${event}]
states:
  INIT:
    on:
      ${event}: [{ action: advance, state: END }]
  END: { terminal: true }
tasks: {}
`;

function createWorld(options: BucketOptions & { readonly prefix?: string } = {}) {
  const world = createBucket(options);
  const warnings: string[] = [];
  const warn: Logger["warn"] = (message, fields) =>
    void warnings.push(`${message} ${String(Object(fields?.["error"]).message)}`);
  const locator = createS3Locator({
    client: world.client,
    bucket: world.bucket,
    clock: world.clock,
    executors: new Map(),
    prefix: options.prefix ?? "machines",
    logger: { ...silentLogger, warn },
  });
  const write = (key: string, body: string): void => world.sim.s3.write("yard", key, body);
  const countOf = (operation: string): number => world.sim.calls.filter((call) => call.operation === operation).length;
  const findEvents = async (name: string): Promise<readonly string[] | string> => {
    const located = await locator.find(name);
    return located.kind === "found" ? [...located.machine.events] : located.kind;
  };
  return { ...world, locator, write, warnings, countOf, findEvents };
}

const unavailable = () => Promise.reject(new SimFault("ServiceUnavailable", 503, "Reduce your request rate."));

describe("a locator over S3", () => {
  it("finds each machine by its name, with its revision", async () => {
    const { locator, write } = createWorld();
    write("machines/qa.yml", machine("A"));
    write("machines/team/prod.yaml", `\uFEFF${machine("B")}`);

    const located = await locator.find("qa");

    expect(located).toMatchObject({ kind: "found", revision: { name: "qa", source: machine("A") }, problems: [] });
    expect((await locator.list()).map(({ name, origin, located }) => [name, origin, located.kind])).toEqual([
      ["qa", "s3://yard/machines/qa.yml", "found"],
      ["prod", "s3://yard/machines/team/prod.yaml", "found"],
    ]);
    expect(await locator.find("other")).toEqual({ kind: "unknown" });
  });

  it("judges each machine alone", async () => {
    const { locator, write, findEvents } = createWorld();
    const source = "version: 1\nevents: [A]\n";
    write("machines/bad.yml", source);
    write("machines/good.yml", machine("A"));

    const bad = await locator.find("bad");

    expect(bad.kind === "invalid" && bad.problems.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["states-required"]),
    );
    expect(bad).toMatchObject({ source });
    expect(await findEvents("good")).toEqual(["A"]);
  });

  it("takes a prefix that is exactly one object", async () => {
    const { findEvents, write } = createWorld({ prefix: "machines/qa.yml" });
    write("machines/qa.yml", machine("A"));
    write("machines/qa.yml.old", machine("B"));

    expect(await findEvents("qa")).toEqual(["A"]);
  });

  it("rejects a name that two objects give, and names both", async () => {
    const { locator, write } = createWorld();
    write("machines/qa.yml", machine("A"));
    write("machines/qa.yaml", machine("A"));

    const located = await locator.find("qa");

    expect(located.kind === "invalid" && located.problems[0]).toMatchObject({
      code: "machine-duplicate",
      message:
        'The machine "qa" is in several objects: s3://yard/machines/qa.yaml, s3://yard/machines/qa.yml. Keep one of them.',
    });
  });

  it("asks S3 again after the cache's time, and reads only what has another ETag", async () => {
    const { clock, countOf, findEvents, write } = createWorld();
    write("machines/qa.yml", machine("A"));
    write("machines/prod.yml", machine("A"));
    await findEvents("qa");
    write("machines/qa.yml", machine("B"));

    await clock.advance(MINUTE - 1);
    expect(await findEvents("qa")).toEqual(["A"]);
    await clock.advance(1);
    expect(await findEvents("qa")).toEqual(["B"]);

    expect([countOf("S3.ListObjectsV2"), countOf("S3.GetObject")]).toEqual([2, 3]);
  });

  it("bypasses its cache on request", async () => {
    const { findEvents, locator, write } = createWorld();
    await findEvents("qa");
    write("machines/qa.yml", machine("A"));

    expect(await findEvents("qa")).toBe("unknown");
    expect((await locator.find("qa", { fresh: true })).kind).toBe("found");
    expect(await findEvents("qa")).toEqual(["A"]);
  });

  it("lets all who ask at the same time share one look", async () => {
    const { countOf, findEvents, write } = createWorld();
    write("machines/qa.yml", machine("A"));

    await Promise.all(Array.from({ length: 20 }, () => findEvents("qa")));

    expect(countOf("S3.ListObjectsV2")).toBe(1);
  });

  it("forgets a machine whose object is gone, also between the listing and the reading", async () => {
    const { clock, findEvents, sim, write } = createWorld();
    write("machines/qa.yml", machine("A"));
    sim.once("S3.GetObject", async (proceed) => {
      sim.s3.remove("yard", "machines/qa.yml");
      return proceed();
    });

    expect(await findEvents("qa")).toBe("unknown");
    write("machines/qa.yml", machine("B"));
    await clock.advance(MINUTE);
    expect(await findEvents("qa")).toEqual(["B"]);
    sim.s3.remove("yard", "machines/qa.yml");
    await clock.advance(MINUTE);
    expect(await findEvents("qa")).toBe("unknown");
  });

  it("keeps what it found last while S3 cannot be asked, and says so", async () => {
    const { clock, findEvents, sim, warnings, write } = createWorld();
    write("machines/qa.yml", machine("A"));
    await findEvents("qa");
    write("machines/qa.yml", machine("B"));
    sim.once("S3.ListObjectsV2", unavailable);
    sim.once("S3.GetObject", unavailable);

    await clock.advance(MINUTE);
    expect(await findEvents("qa")).toEqual(["A"]);
    await clock.advance(MINUTE);
    expect(await findEvents("qa")).toEqual(["A"]);
    await clock.advance(MINUTE);
    expect(await findEvents("qa")).toEqual(["B"]);

    expect(warnings).toEqual([
      expect.stringContaining("Machines could not be listed; the last known machines are used."),
      expect.stringContaining("A machine could not be read; its last known version is used."),
    ]);
  });

  it("says of an object that it may not read that this machine alone is invalid, and tries again", async () => {
    const { clock, locator, sim, write, findEvents } = createWorld();
    write("machines/qa.yml", machine("A"));
    sim.once("S3.GetObject", () => Promise.reject(new SimFault("AccessDenied", 403, "Access Denied")));

    expect(await locator.find("qa")).toMatchObject({ kind: "invalid", problems: [{ code: "file-unreadable" }] });
    await clock.advance(MINUTE);
    expect(await findEvents("qa")).toEqual(["A"]);
  });

  it("does not download what is too large to be a machine", async () => {
    const { countOf, locator, write } = createWorld();
    write("machines/huge.yml", "x".repeat(4 * 1024 * 1024 + 1));

    expect(await locator.find("huge")).toMatchObject({ kind: "invalid", problems: [{ code: "file-too-large" }] });
    expect(countOf("S3.GetObject")).toBe(0);
  });

  it("does not download what has grown too large since it was listed, and frees its connection", async () => {
    const { client, locator, sim, write } = createWorld();
    const bodies: unknown[] = [];
    client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        if ("Body" in answer.output) bodies.push(answer.output.Body);
        return answer;
      },
      { step: "initialize" },
    );
    write("machines/qa.yml", machine("A"));
    sim.once("S3.GetObject", (proceed) => {
      write("machines/qa.yml", "x".repeat(4 * 1024 * 1024 + 1));
      return proceed();
    });

    expect(await locator.find("qa")).toMatchObject({ kind: "invalid", problems: [{ code: "file-unreadable" }] });
    expect(bodies).toMatchObject([{ destroyed: true, readableEnded: false }]);
  });

  it("fails while it has never found anything, says what is missing, and asks again with the next call", async () => {
    const { findEvents, sim, write } = createWorld();
    write("machines/qa.yml", machine("A"));
    sim.once("S3.ListObjectsV2", unavailable);

    await expect(findEvents("qa")).rejects.toMatchObject({ code: "UNREACHABLE", retryable: true });
    expect(await findEvents("qa")).toEqual(["A"]);
    await expect(createWorld({ allow: ["s3:GetObject"] }).findEvents("qa")).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining("Allow s3:ListBucket on the bucket and s3:GetObject on its objects"),
    });
  });
});

const keysOf = (keys: readonly string[], prefix: string): readonly string[] =>
  toMachineObjects(
    keys.map((key) => ({ Key: key, ETag: '"e"', Size: key.endsWith("/") || key.includes("empty") ? 0 : 5 })),
    prefix,
  ).map(({ key }) => key);

describe("the machines of a place", () => {
  it("are .yml and .yaml objects with something in them", () => {
    const keys = [
      "m/",
      "m/a.yml",
      "m/b.yaml",
      "m/c.json",
      "m/README.md",
      "m/empty.yml",
      "m/.hidden.yml",
      "m/d.yml.bak",
      "m/yml",
    ];

    expect(keysOf(keys, "m")).toEqual(["m/a.yml", "m/b.yaml"]);
  });

  it("lie in sub-folders too, and are named after the object alone", () => {
    const objects = toMachineObjects([{ Key: "m/team/re.view.yaml", ETag: '"e"', Size: 5 }], "m/");

    expect(objects).toEqual([{ key: "m/team/re.view.yaml", name: "re.view", etag: '"e"', bytes: 5 }]);
  });

  it.each([
    ["machines", ["machines/a.yml"]],
    ["machines/", ["machines/a.yml"]],
    ["machines-old", ["machines-old/b.yml"]],
    ["machines/a.yml", ["machines/a.yml"]],
    ["", ["machines-old/b.yml", "machines/a.yml", "prod-1.yml", "prod-2.yml"]],
    ["prod-", ["prod-1.yml", "prod-2.yml"]],
  ])("under %j never include siblings", (prefix, expected) => {
    const all = ["machines-old/b.yml", "machines/a.yml", "prod-1.yml", "prod-2.yml"];

    expect(
      keysOf(
        all.filter((key) => key.startsWith(prefix)),
        prefix,
      ),
    ).toEqual(expected);
  });

  it("of an empty folder are empty, although other keys begin with its name", () => {
    expect(keysOf(["machines-old/b.yml", "machines/"], "machines")).toEqual([]);
  });

  it("are found beyond the first thousand objects", async () => {
    const { client, bucket, sim } = createBucket();
    for (let n = 0; n < 2_001; n += 1) sim.s3.write("yard", `m/${n}.yml`, "x");

    expect(await loadMachineObjects(client, { bucket, prefix: "m" })).toHaveLength(2_001);
    expect(sim.calls.map(({ operation }) => operation)).toEqual(Array(3).fill("S3.ListObjectsV2"));
  });
});
