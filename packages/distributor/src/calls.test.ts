import { type Logger, silentLogger } from "@stackyard/core";
import type { ConsumerPlace, DistributorRequest } from "@stackyard/sdk/artifacts";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { onCall, takePage } from "./calls.ts";
import { noteConsumer } from "./consumers.ts";
import { onPublished, onReceipt } from "./coverage.ts";
import { onSchedule } from "./schedule.ts";
import { PLACE } from "./testing/a-cell.ts";
import {
  aReceiptEvent,
  aRegistration,
  createDistributorWorld,
  type DistributorWorld,
  SOURCE,
} from "./testing/a-distributor-world.ts";

const OTHER = { account: "444455556666", region: "us-east-1" };
const BUCKET = "bucket-111122223333-eu-west-1";
const machineArn = "arn:aws:states:eu-west-1:999988887777:stateMachine:initial-set";

let world: DistributorWorld;
beforeEach(() => {
  world = createDistributorWorld({ config: { machineArn } });
});

async function ask(request: DistributorRequest): Promise<Readonly<Record<string, unknown>>> {
  const reply = await onCall(world.context, request);
  return reply.kind === "answer" ? { ...reply.answer } : { ...reply };
}

async function publish(version: string, name = "billing-api") {
  const artifact = await world.publish({ name, version });
  await onPublished(world.context, artifact);
  return artifact;
}

async function register(...places: readonly (typeof PLACE | typeof OTHER)[]): Promise<void> {
  for (const place of places) await onReceipt(world.context, aRegistration(place, ["v2", "retire"]));
}

describe("list", () => {
  it("shows versions page by page, whatever is published meanwhile", async () => {
    for (const version of ["1", "2", "3"]) await publish(version);
    const first = await ask({ op: "list", limit: 2 });
    await publish("0", "a-new-one");
    const second = await ask({ op: "list", limit: 2, cursor: String(first["cursor"]) });

    const versions = [first, second].map(({ items }) => (items as { version: string }[]).map(({ version }) => version));
    expect([versions, second["cursor"]]).toEqual([[["1", "2"], ["3"]], undefined]);
  });

  it("shows those of one name, and of no longer one", async () => {
    await publish("1");
    await publish("1", "billing-api/worker");

    expect(await ask({ op: "list", name: "billing-api" })).toMatchObject({
      items: [{ name: "billing-api", files: 2, bytes: 20 }],
    });
  });

  it.each(["x", "Li4v", "%00"])("rejects the cursor %s", async (cursor) => {
    expect(await ask({ op: "list", cursor })).toMatchObject({ kind: "error", code: "USAGE" });
    expect(await ask({ op: "consumers", cursor })).toMatchObject({ kind: "error", code: "USAGE" });
  });
});

describe("show", () => {
  it("has the manifest and where the version stands", async () => {
    await register(PLACE);
    const { manifest } = await publish("1");

    expect(await ask({ op: "show", name: "billing-api", version: "1" })).toMatchObject({
      manifest,
      covered: false,
      retired: false,
      cells: [{ ...PLACE, status: "announced", filesDone: 0 }],
    });
  });

  it.each(["show", "refresh", "retire"] as const)("and the like: %s of an unknown version is not found", async (op) => {
    expect(await ask({ op, name: "billing-api", version: "9" })).toMatchObject({ kind: "error", code: "NOT_FOUND" });
  });
});

describe("coverage", () => {
  it("has rows of versions and cells of those consumers that are wanted", async () => {
    await register(PLACE, OTHER);
    const artifact = await publish("1");
    for (const file of [0, 1]) await onReceipt(world.context, aReceiptEvent(artifact, PLACE, { file }));

    expect(await ask({ op: "coverage", account: PLACE.account })).toMatchObject({
      rows: [{ version: "1", covered: false, cells: [{ ...PLACE, status: "stored", verified: true }] }],
    });
    for (const file of [0, 1]) await onReceipt(world.context, aReceiptEvent(artifact, OTHER, { file }));
    expect(await ask({ op: "coverage", name: "billing-api", version: "1" })).toMatchObject({
      rows: [{ covered: true, cells: [{}, {}] }],
    });
  });

  it("of an unknown version is empty", async () => {
    expect(await ask({ op: "coverage", name: "billing-api", version: "9" })).toEqual({ rows: [] });
  });
});

describe("consumers", () => {
  it("are shown page by page", async () => {
    await register(PLACE, OTHER);
    const first = await ask({ op: "consumers", limit: 1 });

    expect(first).toMatchObject({ items: [{ ...PLACE, generation: "v2", bucket: BUCKET }] });
    expect(await ask({ op: "consumers", cursor: String(first["cursor"]) })).toMatchObject({ items: [OTHER] });
  });

  it("are shown one by one, with everything that was announced to them", async () => {
    await register(PLACE);
    await publish("1");
    await publish("2");

    const { cells, ...consumer } = await ask({ op: "consumer", ...PLACE });

    expect(consumer).toMatchObject({ registered: true, capabilities: ["retire", "v2"] });
    expect(cells).toMatchObject([{ version: "1" }, { version: "2" }]);
    expect(await ask({ op: "consumer", ...OTHER })).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("replay", () => {
  it("starts the state machine for a consumer", async () => {
    const definition = { StartAt: "Done", States: { Done: { Type: "Succeed" } } };
    world.sim.stepFunctions.addStateMachine({ ...SOURCE, name: "initial-set", definition });
    await register(PLACE);

    const answer = await ask({ op: "replay", ...PLACE, since: "2026-11-01T00:00:00Z", artifact: "billing-api" });

    const [execution] = world.sim.stepFunctions.executions;
    expect(answer["executionArn"]).toBe(execution?.arn);
    expect(JSON.parse(execution?.input ?? "")).toEqual({
      AccountId: PLACE.account,
      Region: PLACE.region,
      Since: "2026-11-01T00:00:00.000Z",
      Artifact: "billing-api",
    });
  });

  it("is for consumers that are known and trusted, and needs a state machine", async () => {
    expect(await ask({ op: "replay", ...PLACE })).toMatchObject({ code: "NOT_FOUND" });
    const stranger = { account: "222233334444", region: "eu-west-1" };
    expect(await ask({ op: "replay", ...stranger })).toMatchObject({ code: "ACCOUNT_NOT_TRUSTED" });
    await noteConsumer(world.context, stranger, { kind: "asked", at: 0 });
    expect(await ask({ op: "replay", ...stranger })).toMatchObject({ code: "ACCOUNT_NOT_TRUSTED" });
    world = createDistributorWorld();
    await register(PLACE);
    expect(await ask({ op: "replay", ...PLACE })).toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("refresh", () => {
  it("announces a version again to all that lack it, and forgets failures", async () => {
    await register(PLACE, OTHER);
    const artifact = await publish("1");
    for (const file of [0, 1]) await onReceipt(world.context, aReceiptEvent(artifact, PLACE, { file }));
    const failed = { status: "failed", code: "SOURCE_DENIED" };
    await onReceipt(world.context, aReceiptEvent(artifact, OTHER, failed));
    await world.pass(1_000);

    expect(await ask({ op: "refresh", name: "billing-api", version: "1" })).toEqual({ files: 2, messages: 2 });

    expect(world.announced.map(({ to }) => to)).toEqual(["444455556666/us-east-1"]);
    expect(await ask({ op: "coverage", account: OTHER.account })).toMatchObject({
      rows: [{ cells: [{ status: "announced", code: null, announcements: 2 }] }],
    });
  });

  it("announces it to one consumer whether it has it or not", async () => {
    await register(PLACE, OTHER);
    await publish("1");

    expect(await ask({ op: "refresh", name: "billing-api", version: "1", ...PLACE })).toMatchObject({ messages: 2 });
    expect(world.announced.map(({ to }) => to)).toEqual(["111122223333/eu-west-1"]);
  });

  it("rejects an incomplete consumer and an unknown one", async () => {
    await publish("1");
    const { account } = PLACE;

    expect(await ask({ op: "refresh", name: "billing-api", version: "1", account })).toMatchObject({ code: "USAGE" });
    expect(await ask({ op: "refresh", name: "billing-api", version: "1", ...PLACE })).toMatchObject({
      code: "NOT_FOUND",
    });
  });
});

describe("retire", () => {
  it("expects the version nowhere, and notifies consumers that agreed", async () => {
    await register(PLACE);
    await onReceipt(world.context, aRegistration(OTHER, ["v2"]));
    await publish("1");

    expect(await ask({ op: "retire", name: "billing-api", version: "1" })).toEqual({ retired: true, messages: 2 });

    expect(world.announced).toMatchObject([
      { what: "retirement", to: "111122223333/eu-west-1", version: "billing-api@1" },
    ]);
    expect(await ask({ op: "list" })).toMatchObject({ items: [{ retired: true, covered: false }] });
    expect(await ask({ op: "refresh", name: "billing-api", version: "1" })).toMatchObject({ code: "ARTIFACT_RETIRED" });
  });
});

describe("compare", () => {
  const request = { op: "compare", name: "billing-api", version: "1", ...PLACE, bucket: BUCKET } as const;
  const keys = ["billing-api/1/file-0", "billing-api/1/file-1"] as const;

  it("repairs what lost receipts have left open", async () => {
    await register(PLACE);
    const { manifest } = await publish("1");
    const seen = manifest.files.map(({ key, sha256 }) => ({ key, sha256 }));

    expect(await ask({ ...request, seen })).toEqual({ matching: 2, missing: [], different: [] });

    expect(await ask({ op: "list" })).toMatchObject({ items: [{ covered: true }] });
    await world.sim.eventBridge.deliver();
    expect(world.covered).toHaveLength(1);
  });

  it("reports what is missing or different, and records it", async () => {
    await register(PLACE);
    const artifact = await publish("1");
    for (const file of [0, 1]) await onReceipt(world.context, aReceiptEvent(artifact, PLACE, { file }));
    const seen = [
      { key: keys[0], sha256: null },
      { key: keys[1], sha256: "f".repeat(64) },
      { key: "somewhere/else", sha256: null },
    ];

    expect(await ask({ ...request, seen })).toEqual({ matching: 0, missing: [keys[0]], different: [keys[1]] });

    expect(await ask({ op: "coverage" })).toMatchObject({ rows: [{ covered: false, cells: [{ filesDone: 0 }] }] });
  });

  it("accepts a consumer's report of a rewritten template", async () => {
    await register(PLACE);
    const artifact = await publish("1");
    await onReceipt(world.context, aReceiptEvent(artifact, PLACE, { storedSha256: "e".repeat(64) }));

    const answer = await ask({ ...request, seen: [{ key: keys[0], sha256: "e".repeat(64) }] });

    expect(answer).toEqual({ matching: 1, missing: [], different: [] });
  });

  it("rejects another bucket", async () => {
    await register(PLACE);
    await publish("1");

    expect(await ask({ ...request, bucket: "another", seen: [] })).toMatchObject({ code: "BUCKET_FOREIGN" });
  });
});

describe("onCall", () => {
  it.each([
    [null, '"op" must be one of'],
    [{ op: "__proto__" }, '"op" must be one of'],
    [{ op: "list", limit: 0 }, "/limit"],
    [{ op: "list", limit: 101 }, "/limit"],
    [{ op: "list", name: "../x" }, "/name"],
    [{ op: "list", colour: "red" }, "The request is invalid"],
    [{ op: "show", name: "a" }, "The request is invalid"],
    [{ op: "coverage", version: "1" }, "requires the name"],
    [{ op: "consumer", account: "1", region: "eu-west-1" }, "/account"],
    [{ op: "consumer", ...PLACE, region: "eu west" }, "/region"],
    [{ op: "replay", ...PLACE, since: "yesterday" }, "/since"],
    [{ op: "replay", ...PLACE, since: "2026-99-01T00:00:00Z" }, "/since"],
    [{ op: "replay", ...PLACE, since: "2026-02-31T00:00:00Z" }, "/since"],
    [
      {
        op: "compare",
        name: "a",
        version: "1",
        ...PLACE,
        bucket: "abc",
        seen: Array(1_001).fill({ key: "a", sha256: null }),
      },
      "/seen",
    ],
  ])("rejects %j and says where it is wrong", async (request, message) => {
    expect(await onCall(world.context, request)).toMatchObject({
      kind: "error",
      code: "USAGE",
      message: expect.stringContaining(message),
    });
  });

  it("answers everything, and repeats no value of what is wrong", async () => {
    const op = fc.constantFrom("list", "show", "coverage", "refresh", "consumers", "consumer", "compare", "hunter2");
    const request = fc.record(
      { op, name: fc.anything(), version: fc.anything(), seen: fc.anything() },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.anything(), request), async (drawn) => {
        expect(["answer", "error"]).toContain((await onCall(world.context, drawn)).kind);
      }),
    );
    const reply = await onCall(world.context, { op: "list", name: "HUNTER2" });
    expect(JSON.stringify(reply)).not.toContain("HUNTER2");
  });

  it("reports only the name of an error that is not ours", async () => {
    const loadPublished = async () => {
      throw new TypeError("https://source.s3.amazonaws.com/key?X-Amz-Signature=1");
    };
    await publish("1");

    const reply = await onCall({ ...world.context, loadPublished }, { op: "show", name: "billing-api", version: "1" });

    expect(reply).toEqual({
      kind: "error",
      code: "INTERNAL",
      message: "The distributor failed (TypeError). See its log for details.",
    });
  });
});

const UNKNOWN = { op: "show", name: "billing-api", version: "9" };
const STRANGER = { account: "222233334444", region: "eu-west-1" };

let lines: (readonly [level: string, fields: unknown])[];

function callLogged(request: unknown, records = world.context.records) {
  const note = (level: string) => (_message: string, fields?: unknown) => void lines.push([level, fields]);
  const logger: Logger = { ...silentLogger, info: note("info"), warn: note("warn"), error: note("error") };
  return onCall({ ...world.context, records, logger }, request);
}

describe("a refused call", () => {
  beforeEach(() => {
    world = createDistributorWorld();
    lines = [];
  });

  it.each([
    ["what is not known", UNKNOWN, "NOT_FOUND"],
    ["who is not known", { op: "consumer", ...STRANGER }, "NOT_FOUND"],
  ])("is not an error of the function: %s", async (_what, request, code) => {
    expect(await callLogged(request)).toMatchObject({ kind: "error", code });

    expect(lines).toEqual([["info", expect.objectContaining({ op: request.op, code })]]);
  });

  it("is one when the function has failed", async () => {
    const broken = new Proxy(world.context.records, {
      get() {
        throw new Error("no table");
      },
    });

    expect(await callLogged(UNKNOWN, broken)).toMatchObject({ kind: "error", code: "INTERNAL" });

    expect(lines).toEqual([["error", { op: "show", error: expect.objectContaining({ message: "no table" }) }]]);
  });
});

async function callAndUnwrap(request: DistributorRequest): Promise<unknown> {
  const reply = await onCall(world.context, request);
  return reply.kind === "answer" ? reply.answer : reply;
}

async function publishUnseen(): Promise<(place: ConsumerPlace) => Promise<unknown>> {
  const artifact = await world.publish({ version: "1" });
  await onPublished(world.context, artifact);
  const { name, version, files } = artifact.manifest;
  const seen = files.map(({ key, sha256 }) => ({ key, sha256 }));
  return (place) => callAndUnwrap({ op: "compare", name, version, ...place, bucket: "tts-cloud", seen });
}

describe("consumers that cannot answer", () => {
  beforeEach(async () => {
    world = createDistributorWorld();
    await noteConsumer(world.context, OTHER, { kind: "asked", at: world.context.clock.now() });
  });

  it("are counted apart", async () => {
    await onReceipt(world.context, aRegistration(PLACE));
    const look = await publishUnseen();

    expect(await callAndUnwrap({ op: "coverage" })).toMatchObject({ rows: [{ covered: false, silent: 1 }] });
    await look(OTHER);
    expect(await callAndUnwrap({ op: "coverage" })).toMatchObject({ rows: [{ covered: false, silent: 0 }] });
  });

  it("are reported once, and leave a version announced without an alarm, when no others exist", async () => {
    const look = await publishUnseen();

    for (let hours = 0; hours < 72; hours += 1) {
      await world.pass(3_600_000);
      const deadlineAt = world.context.clock.now() + 900_000;
      const report = await onSchedule(world.context, async () => {}, { deadlineAt });
      expect(report).toMatchObject({ announced: 0, alarmed: 0, covered: 0 });
    }

    const rows = [{ covered: false, silent: 1, cells: [{ status: "announced" }] }];
    expect(await callAndUnwrap({ op: "coverage" })).toMatchObject({ rows });
    expect(world.metrics.filter((line) => line.includes('"AlarmedCells":1'))).toEqual([]);
    await look(OTHER);
    await world.sim.eventBridge.deliver();
    expect(world.covered).toHaveLength(1);
  });

  it("have a version once it was seen at each of them, when no others exist", async () => {
    await noteConsumer(world.context, PLACE, { kind: "asked", at: world.context.clock.now() });
    const look = await publishUnseen();

    await look(OTHER);
    expect(await callAndUnwrap({ op: "coverage" })).toMatchObject({ rows: [{ covered: false, silent: 1 }] });
    await look(PLACE);

    expect(await callAndUnwrap({ op: "coverage" })).toMatchObject({ rows: [{ covered: true, silent: 0 }] });
    await world.sim.eventBridge.deliver();
    expect(world.covered).toHaveLength(1);
  });
});

const version = fc.record({
  name: fc.stringMatching(/^[a-z][a-z0-9/-]{0,4}[a-z]$/),
  version: fc.stringMatching(/^[A-Z0-9][0-9.+]{0,3}$/),
});

describe("takePage", () => {
  it("gives everything once, in pages that are full but the last", () => {
    const versions = fc.uniqueArray(version, { selector: ({ name, version }) => `${name}/${version}` });
    fc.assert(
      fc.property(versions, fc.integer({ min: 1, max: 7 }), (all, limit) => {
        const seen: object[] = [];
        let cursor: string | undefined;
        do {
          const page = takePage(all, { cursor, limit });
          seen.push(...page.items);
          expect(page.items.length === limit || page.cursor === undefined).toBe(true);
          cursor = page.cursor;
        } while (cursor !== undefined);

        expect(new Set(seen)).toEqual(new Set(all));
        expect(seen).toHaveLength(all.length);
      }),
    );
  });

  it("takes no text for a cursor that it has not made", () => {
    fc.assert(
      fc.property(fc.string(), (cursor) => {
        try {
          expect(takePage([], { cursor, limit: 1 })).toEqual({ items: [] });
        } catch (error) {
          expect(error).toMatchObject({ code: "USAGE" });
        }
      }),
    );
  });
});
