import { SimFault } from "@stackyard/aws-sim";
import { describe, expect, it } from "vitest";
import type { CopyOutcome } from "../copy/copier.ts";
import { aDelivery, BUCKET, type ConsumerWorldOptions, createConsumerWorld, digestOf } from "../testing/a-consumer.ts";
import { aBody, aRecord, aUrl, KEY, NOW, SHA256 } from "../testing/a-message.ts";

const V1 = { ArtifactKey: KEY, ArtifactUrl: aUrl() };
const artifact = (over: object) => ({ ...Object(aBody()["artifact"]), ...over });
const PROBE = {
  v: 2,
  distributionId: "probe-1",
  artifact: { name: "stackyard.probe" },
  target: { account: "444455556666", region: "eu-central-1" },
  issuedAt: "2026-11-20T06:00:00Z",
};
const { ArtifactUrl: _url, ...RETIREMENT } = aBody({ retire: true });
const SEQUENCE = 1_042;

async function serve(body: unknown, options: ConsumerWorldOptions = {}) {
  const world = createConsumerWorld(options);
  const { consumer } = world.start();
  const served = consumer.onMessages({ Records: [aDelivery(aRecord(body))] });
  // A denied event is repeated for two minutes.
  await world.clock.advance(150_000);
  const { batchItemFailures } = await served;
  return { ...world, consumer, isAgain: batchItemFailures.length > 0, receipts: world.events() };
}

describe("a message", () => {
  it("is copied, recorded, reported and acknowledged", async () => {
    const { isAgain, receipts, sim, records } = await serve(aBody());

    expect(isAgain).toBe(false);
    expect(sim.s3.texts(BUCKET)).toEqual({ [KEY]: "bytes" });
    expect((await records.get(`known/${digestOf(KEY)}`, NOW))?.value).toEqual({
      key: KEY,
      sourceSha256: SHA256,
      storedSha256: SHA256,
      size: 5,
      sequence: 1_042,
      name: "billing-api",
      version: "1.4.2",
    });
    expect(receipts).toMatchObject([
      {
        type: "artifact.receipt",
        detail: {
          v: 1,
          messageId: "m-1",
          account: "444455556666",
          region: "eu-central-1",
          bucket: BUCKET,
          attempt: 1,
          status: "stored",
          code: null,
          verified: true,
          sourceSha256: SHA256,
          size: 5,
          artifact: { name: "billing-api", version: "1.4.2", key: KEY },
        },
      },
    ]);
  });

  it("of the first version is copied again and again, unverified", async () => {
    const { consumer, copies, receipts, events, isAgain } = await serve(V1);

    await consumer.onMessages({ Records: [aDelivery(aRecord(V1))] });

    expect([isAgain, copies.length]).toEqual([false, 2]);
    expect(receipts).toMatchObject([{ detail: { status: "stored", verified: false } }]);
    expect(events()).toHaveLength(2);
  });

  it("that comes again is not copied again, and says that the file is there", async () => {
    const { consumer, copies, events } = await serve(aBody());

    await consumer.onMessages({ Records: [aDelivery(aRecord(), "m-2", 2)] });

    expect(copies).toHaveLength(1);
    expect(events()[1]).toMatchObject({
      detail: { status: "present", code: "ALREADY_PRESENT", verified: true, messageId: "m-2", attempt: 2 },
    });
  });

  it.each(["removed", "overwritten"])("is copied again when its object was %s", async (how) => {
    const { consumer, copies, sim, events } = await serve(aBody());
    if (how === "removed") sim.s3.remove(BUCKET, KEY);
    else sim.s3.write(BUCKET, KEY, "other");

    await consumer.onMessages({ Records: [aDelivery(aRecord())] });

    expect(copies).toHaveLength(2);
    expect(events()[1]).toMatchObject({ detail: { status: "stored" } });
  });

  it("forgets a file before the first version overwrites it", async () => {
    let isKnown: boolean | undefined;
    const world = createConsumerWorld({
      async copy({ message }) {
        if (message.v === 1) isKnown = (await world.records.get(`known/${digestOf(KEY)}`, NOW)) !== undefined;
        return undefined;
      },
    });
    const { consumer } = world.start();

    await consumer.onMessages({ Records: [aDelivery(aRecord()), aDelivery(aRecord(V1), "m-2")] });

    expect(isKnown).toBe(false);
  });

  it("with an older sequence is left alone, and nothing is reported", async () => {
    const { consumer, copies, events } = await serve(aBody());
    const older = aBody({ sequence: 1, artifact: artifact({ version: "1.4.1", sha256: "cd".repeat(32) }) });

    const { batchItemFailures } = await consumer.onMessages({ Records: [aDelivery(aRecord(older))] });

    expect([batchItemFailures, copies.length, events().length]).toEqual([[], 1, 1]);
  });

  it("that only probes is answered under its own id", async () => {
    const { receipts, copies, isAgain } = await serve(PROBE);

    expect([isAgain, copies]).toEqual([false, []]);
    expect(receipts).toMatchObject([
      {
        detail: { status: "present", code: "PROBE", distributionId: "probe-1", artifact: { name: "stackyard.probe" } },
      },
    ]);
  });
});

describe("a rejected message", () => {
  it("is parked, reported and acknowledged", async () => {
    const { isAgain, receipts, parked } = await serve(aBody({ target: { account: "999999999999" } }));

    expect(isAgain).toBe(false);
    expect(receipts).toMatchObject([
      { detail: { status: "rejected", code: "WRONG_ACCOUNT", artifact: { key: KEY, version: "1.4.2" } } },
    ]);
    expect(parked()).toMatchObject([
      {
        v: 1,
        code: "WRONG_ACCOUNT",
        reason: "The message is for another account.",
        messageId: "m-1",
        bucket: BUCKET,
        at: expect.any(String),
        message: {
          ArtifactKey: KEY,
          ArtifactUrl: "https://dist-bucket.s3.eu-west-1.amazonaws.com/billing-api/1.4.2/app.zip",
        },
      },
    ]);
  });

  it("that is unreadable is parked by its length", async () => {
    const { receipts, parked } = await serve("{");

    expect(receipts).toMatchObject([
      { detail: { status: "rejected", code: "MESSAGE_INVALID", distributionId: null, artifact: { key: null } } },
    ]);
    expect(parked()).toMatchObject([{ code: "MESSAGE_INVALID", bytes: 1, message: null }]);
  });

  it("comes again when it cannot be parked, before it is reported", async () => {
    const { isAgain, receipts } = await serve("{", { allow: ["s3:*", "events:*"] });

    expect([isAgain, receipts]).toEqual([true, []]);
  });
});

describe("an expired URL", () => {
  const expired = aBody({ urlExpiresAt: "2026-11-20T06:00:00Z" });

  it("is requested again, and the message is done: the distributor sends another", async () => {
    const { isAgain, receipts, copies } = await serve(expired);

    expect([isAgain, copies]).toEqual([false, []]);
    expect(receipts).toEqual([
      {
        type: "artifact.refresh",
        detail: {
          v: 1,
          distributionId: expired["distributionId"],
          key: KEY,
          account: "444455556666",
          region: "eu-central-1",
          name: "billing-api",
          version: "1.4.2",
        },
      },
    ]);
  });

  it("lets the message come again when the request for a new URL fails", async () => {
    const { isAgain, receipts } = await serve(expired, { allowed: [] });

    expect([isAgain, receipts]).toEqual([true, []]);
  });

  it("is also requested when the source requires it", async () => {
    const copy = (): CopyOutcome => ({ kind: "refresh", code: "URL_EXPIRED", reason: "expired" });

    expect((await serve(aBody(), { copy })).receipts).toMatchObject([{ type: "artifact.refresh" }]);
    expect((await serve(V1, { copy })).receipts).toMatchObject([
      { detail: { status: "rejected", code: "URL_EXPIRED" } },
    ]);
  });
});

describe("a copy", () => {
  const ending = (outcome: CopyOutcome) => serve(aBody(), { copy: () => outcome });

  it.each([
    { kind: "retry", code: "SOURCE_UNAVAILABLE", reason: "503", stalls: 4 },
    { kind: "suspended", newBytes: 10, stalls: 0, reason: "The invocation ran out of time." },
  ] as const)("that ended as $kind comes again, and nothing is reported", async (outcome) => {
    const { isAgain, receipts, parked } = await ending(outcome);

    expect([isAgain, receipts, parked()]).toEqual([true, [], []]);
  });

  it("is given up after five attempts that got nowhere", async () => {
    const { isAgain, receipts, parked } = await ending({
      kind: "retry",
      code: "TARGET_DENIED",
      reason: "no",
      stalls: 5,
    });

    expect(isAgain).toBe(false);
    expect(receipts).toMatchObject([{ detail: { status: "failed", code: "TARGET_DENIED", artifact: { key: KEY } } }]);
    expect(parked()).toMatchObject([{ code: "TARGET_DENIED", reason: "no" }]);
  });

  it("that failed for good is given up at once", async () => {
    const { receipts, parked } = await ending({ kind: "failed", code: "SHA256_MISMATCH", reason: "differs" });

    expect(receipts).toMatchObject([{ detail: { status: "failed", code: "SHA256_MISMATCH" } }]);
    expect(parked()).toHaveLength(1);
  });

  it("of a version that is stored with other bytes is rejected", async () => {
    const { receipts } = await ending({ kind: "rejected", code: "VERSION_CONFLICT", reason: "differs" });

    expect(receipts).toMatchObject([{ detail: { status: "rejected", code: "VERSION_CONFLICT" } }]);
  });

  it("over a later file is done, and nothing is reported", async () => {
    const { isAgain, receipts } = await ending({ kind: "superseded" });

    expect([isAgain, receipts]).toEqual([false, []]);
  });

  it("ends five seconds before the function", async () => {
    const { start, copies } = createConsumerWorld();

    await start().consumer.onMessages({ Records: [aDelivery(aRecord())] }, { deadlineAt: NOW + 300_000 });

    expect(copies[0]?.deadlineAt).toBe(NOW + 295_000);
  });

  it("does not fail with its receipt, which is logged", async () => {
    const { isAgain, sim, lines } = await serve(aBody(), { allowed: [] });

    expect([isAgain, Object.keys(sim.s3.texts(BUCKET))]).toEqual([false, [KEY]]);
    expect(lines.join()).toContain("An event for the distributor could not be sent.");
  });
});

describe("a batch", () => {
  const bodyOf = (key: string, size = 5) =>
    aBody({ ArtifactKey: key, ArtifactUrl: aUrl({}, `/${key}`), artifact: artifact({ size }) });

  it("fails only those that failed", async () => {
    const world = createConsumerWorld({
      copy: ({ message }) => (message.ArtifactKey === "b" ? Promise.reject(new Error("broken")) : undefined),
    });
    const Records = ["a", "b", "c"].map((key) => aDelivery(aRecord(bodyOf(key)), key));

    const { batchItemFailures } = await world.start().consumer.onMessages({ Records });

    expect(batchItemFailures).toEqual([{ itemIdentifier: "b" }]);
    expect(Object.keys(world.sim.s3.texts(BUCKET))).toEqual(["a", "c"]);
  });

  it("suffers from no record without a body", async () => {
    const world = createConsumerWorld();
    const empty = JSON.parse('[{"messageId":"none"},{"messageId":"null","body":null},{"messageId":"number","body":7}]');

    const { batchItemFailures } = await world
      .start()
      .consumer.onMessages({ Records: [...empty, aDelivery(aRecord())] });

    expect(batchItemFailures).toEqual([]);
    expect(world.parked().map(({ code }) => code)).toEqual(Array(3).fill("MESSAGE_INVALID"));
    expect(Object.keys(world.sim.s3.texts(BUCKET))).toEqual([KEY]);
  });

  it("logs the id of the invocation", async () => {
    const world = createConsumerWorld();

    await world.start().consumer.onMessages({ Records: [aDelivery(aRecord())] }, { invocationId: "call-1" });

    expect(world.lines.every((line) => JSON.parse(line).invocationId === "call-1")).toBe(true);
  });

  it("begins nothing for which no time is left", async () => {
    const world = createConsumerWorld({
      async copy() {
        await world.clock.advance(270_000);
        return undefined;
      },
    });
    const large = 100 * 1_024 ** 2;
    const Records = ["a", "b"].map((key) => aDelivery(aRecord(bodyOf(key, large)), key));

    const { batchItemFailures } = await world
      .start()
      .consumer.onMessages({ Records }, { getRemainingTimeInMillis: () => 285_000 });

    expect(batchItemFailures).toEqual([{ itemIdentifier: "b" }]);
  });

  it("of the same message twice copies it once", async () => {
    const world = createConsumerWorld();
    const Records = ["m-1", "m-2"].map((id) => aDelivery(aRecord(), id));

    await world.start().consumer.onMessages({ Records });

    expect(world.events().map(({ detail }) => detail["status"])).toEqual(["stored", "present"]);
  });

  it("is served by two processes at the same time without harm", async () => {
    const world = createConsumerWorld();
    const event = { Records: [aDelivery(aRecord())] };

    const answers = await Promise.all([1, 2].map(() => world.start().consumer.onMessages(event)));

    expect(answers).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [] }]);
    expect(world.events().every(({ detail }) => detail["verified"] === true)).toBe(true);
  });
});

describe("a retirement", () => {
  const retire = { config: { retire: true } };
  const retirement = aDelivery(aRecord(RETIREMENT), "m-2");

  it("deletes the file that it names, and a later publication brings it back", async () => {
    const { consumer, sim, events } = await serve(aBody(), retire);

    await consumer.onMessages({ Records: [retirement] });

    expect(sim.s3.texts(BUCKET)).toEqual({});
    expect(events()[1]).toMatchObject({ detail: { status: "present", code: "RETIRED", artifact: { key: KEY } } });
    await consumer.onMessages({ Records: [aDelivery(aRecord(aBody({ sequence: SEQUENCE + 1 })))] });
    expect(sim.s3.texts(BUCKET)).toEqual({ [KEY]: "bytes" });
    expect(events()[2]).toMatchObject({ detail: { status: "stored" } });
  });

  it.each([
    ["has the file", [aRecord()]],
    ["has never had it", []],
  ])("is not undone by a late duplicate at a consumer that %s", async (_what, before) => {
    const { start, sim, events } = createConsumerWorld(retire);
    const { consumer } = start();
    const late = aDelivery(aRecord(), "m-3");
    await consumer.onMessages({ Records: before.map((record) => aDelivery(record)) });

    for (const each of [retirement, late, retirement, late]) await consumer.onMessages({ Records: [each] });

    expect(sim.s3.texts(BUCKET)).toEqual({});
    expect(events().slice(before.length)).toMatchObject([
      { detail: { code: "RETIRED" } },
      { detail: { code: "RETIRED" } },
    ]);
  });

  it.each([
    ["digest", artifact({ sha256: "cd".repeat(32) })],
    ["version", artifact({ version: "9" })],
    ["name", artifact({ name: "other" })],
  ])("leaves a file of another %s", async (_what, other) => {
    const { consumer, sim, events } = await serve(aBody({ artifact: other }), retire);

    await consumer.onMessages({ Records: [retirement] });

    expect(Object.keys(sim.s3.texts(BUCKET))).toEqual([KEY]);
    expect(events()[1]).toMatchObject({ detail: { code: "RETIRED" } });
  });

  it("keeps an object that another process wrote there", async () => {
    const { consumer, sim } = await serve(aBody(), retire);
    sim.s3.write(BUCKET, KEY, "other");

    await consumer.onMessages({ Records: [retirement] });

    expect(sim.s3.texts(BUCKET)).toEqual({ [KEY]: "other" });
  });

  it("is rejected where it is not switched on", async () => {
    const { consumer, sim, events } = await serve(aBody());

    await consumer.onMessages({ Records: [retirement] });

    expect(Object.keys(sim.s3.texts(BUCKET))).toEqual([KEY]);
    expect(events()[1]).toMatchObject({ detail: { status: "rejected", code: "RETIRE_OFF" } });
  });
});

describe("a process that dies at any call is followed by one that ends right", () => {
  const deaths = Array.from({ length: 14 }, (_, index) => index + 1).flatMap((at) =>
    (["before", "after"] as const).map((when) => ({ at, when })),
  );

  async function dieAndRepeat(body: unknown, death: { at: number; when: "before" | "after" }, first?: unknown) {
    const world = createConsumerWorld({ config: { retire: true } });
    if (first !== undefined) await world.start().consumer.onMessages({ Records: [aDelivery(aRecord(first), "m-0")] });
    const run = async (process: ReturnType<typeof world.start>, count: number) => {
      const served = process.consumer.onMessages({ Records: [aDelivery(aRecord(body), "m-1", count)] });
      await world.clock.advance(60_000);
      return served;
    };
    await run(world.start(death), 1);
    const { batchItemFailures } = await run(world.start(), 2);
    return { ...world, batchItemFailures, last: world.events().at(-1)?.detail };
  }

  it.each(deaths)("a copy, $when call $at", async (death) => {
    const { batchItemFailures, last, sim, records } = await dieAndRepeat(aBody(), death);

    expect(batchItemFailures).toEqual([]);
    expect(sim.s3.texts(BUCKET)).toEqual({ [KEY]: "bytes" });
    expect((await records.get(`known/${digestOf(KEY)}`, NOW))?.value).toMatchObject({ sourceSha256: SHA256 });
    expect(last).toMatchObject({ verified: true, status: expect.stringMatching(/^(stored|present)$/) });
  });

  it.each(deaths)("a retirement, $when call $at", async (death) => {
    const { last, sim, records } = await dieAndRepeat(RETIREMENT, death, aBody());

    expect(sim.s3.texts(BUCKET)).toEqual({});
    const { value } = (await records.get(`known/${digestOf(KEY)}`, NOW)) ?? {};
    expect(value).toMatchObject({ retiring: SHA256, sequence: SEQUENCE + 1 });
    expect(value).not.toHaveProperty("sourceSha256");
    expect(last).toMatchObject({ code: "RETIRED" });
  });

  it.each(deaths)("a refusal, $when call $at", async (death) => {
    const { last, parked } = await dieAndRepeat("{", death);

    expect(parked().length).toBeGreaterThan(0);
    expect(last).toMatchObject({ status: "rejected" });
  });
});

describe("what signs a URL", () => {
  const CANARY = "canary0123456789";
  const signed = aUrl({ "X-Amz-Signature": CANARY, "X-Amz-Security-Token": `${CANARY}token` });
  const outcomes: readonly CopyOutcome[] = [
    { kind: "retry", code: "SOURCE_UNAVAILABLE", reason: `GET ${signed} failed`, stalls: 1 },
    { kind: "retry", code: "SOURCE_UNAVAILABLE", reason: `GET ${signed} failed`, stalls: 5 },
    { kind: "failed", code: "SOURCE_DENIED", reason: signed },
    { kind: "rejected", code: "URL_REDIRECT", reason: signed },
    { kind: "refresh", code: "URL_EXPIRED", reason: signed },
    { kind: "suspended", newBytes: 0, stalls: 9, reason: "The invocation ran out of time." },
  ];
  const bodies: readonly unknown[] = [
    aBody({ ArtifactUrl: signed }),
    { ...V1, ArtifactUrl: signed },
    aBody({ ArtifactUrl: signed, ArtifactKey: signed }),
    aBody({ ArtifactUrl: signed, ArtifactKey: "other" }),
    aBody({ ArtifactUrl: signed, distributionId: signed, artifact: { name: signed, version: signed } }),
    aBody({ ArtifactUrl: signed, v: 3, [signed]: signed, source: signed }),
    aBody({ ArtifactUrl: signed.replace("https:", "http:") }),
    aBody({ ArtifactUrl: signed, target: { account: signed } }),
    aBody({ ArtifactUrl: signed, urlExpiresAt: "2026-11-20T06:00:00Z" }),
    { Type: "Notification", TopicArn: signed, Message: JSON.stringify(aBody({ ArtifactUrl: signed })) },
    ...[" ", "\n", "\t", '"', "'", "<"].map((broken) => {
      const parted = signed.replaceAll(CANARY, `0${broken}${CANARY}`);
      return aBody({ ArtifactUrl: parted, ArtifactKey: parted, distributionId: parted, target: { account: parted } });
    }),
    `${JSON.stringify(aBody({ ArtifactUrl: signed }))}x`,
    JSON.stringify(aBody({ ArtifactUrl: signed, padding: "x".repeat(70_000) })),
  ];

  it.each(bodies.map((body, index) => [index, body] as const))("of message %i is found nowhere", async (_, body) => {
    const { everything } = await serve(body);

    expect(everything()).not.toContain(CANARY);
  });

  it.each(outcomes)("is found nowhere after a copy that ended as $kind", async (outcome) => {
    const { everything } = await serve(aBody({ ArtifactUrl: signed }), { copy: () => outcome });

    expect(everything()).not.toContain(CANARY);
  });

  it("is found nowhere after an error of anybody", async () => {
    const failure = new TypeError(`fetch failed: ${signed}`, { cause: new Error(signed) });
    const copied = await serve(aBody({ ArtifactUrl: signed }), { copy: () => Promise.reject(failure) });
    const { sim, start, everything, clock } = createConsumerWorld();
    sim.once("EventBridge.PutEvents", () => Promise.reject(new SimFault("InternalException", 500, signed)));
    const served = start().consumer.onMessages({ Records: [aDelivery(aRecord(aBody({ ArtifactUrl: signed })))] });
    await clock.advance(60_000);
    await served;

    expect(copied.everything() + everything()).not.toContain(CANARY);
  });
});
