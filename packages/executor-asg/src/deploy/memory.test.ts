import { DeleteObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createAwsSim, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createBucketMemory } from "./bucket-memory.ts";
import { createYardMemory } from "./yard-memory.ts";

const ACCOUNT = "111122223333";
const key = { aws_account_id: ACCOUNT, project_name: "org/web", config_name: "prod", release_id: "r1" };
const ROOT = `${ACCOUNT}/org/web/prod`;

function createBucket() {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "deployer" });
  sim.s3.createBucket({ name: "releases", account: ACCOUNT, region: "eu-west-1" });
  const s3 = new S3Client({ region: "eu-west-1", credentials, maxAttempts: 1 });
  s3.middlewareStack.use(createSimPlugin(sim));
  const put = (path: string, Body: string) =>
    s3.send(new PutObjectCommand({ Bucket: "releases", Key: `${ROOT}/${path}`, Body }));
  const memory = createBucketMemory({ s3, bucket: "releases", clock, generation: "odin" });
  return { sim, clock, s3, put, memory };
}

function createYard() {
  const at = { account: ACCOUNT, region: "eu-west-1" };
  const clock = createFakeClock();
  return { clock, memory: createYardMemory({ records: createMemoryRecords(), clock, generation: "odin", at }) };
}

describe.each([
  ["a bucket", createBucket],
  ["a yard", createYard],
])("the memory of %s", (_, create) => {
  it("stores documents and user data, and never different ones under the same id", async () => {
    const { memory } = create();

    await memory.storeDocument(key, { document: { a: 1 }, userData: "one" });
    await memory.storeDocument(key, { document: { a: 2 }, userData: "two" });

    expect([await memory.loadDocument(key), await memory.loadUserData(key)]).toEqual([{ a: 1 }, "one"]);
    expect(await memory.loadDocument({ ...key, release_id: "r2" })).toBeUndefined();
    expect(await memory.loadUserData({ ...key, release_id: "r2" })).toBeUndefined();
  });

  it("lists an order to halt until it is acknowledged, for its own release only", async () => {
    const { memory, clock } = create();

    await memory.orderHalt(key, { message: "Stop.", by: "ann" });

    expect(await memory.listHalts(key)).toEqual([{ kind: "release", message: "Stop.", by: "ann", at: clock.now() }]);
    expect(await memory.listHalts({ ...key, release_id: "r2" })).toEqual([]);
    await memory.clearHalts(key, { outcome: "too-late", reason: "Done." });
    expect(await memory.listHalts(key)).toEqual([]);
    await memory.clearHalts(key);
  });
});

describe("the memory of a bucket", () => {
  it("encrypts user data as the predecessor's clients do", async () => {
    const { memory, sim } = createBucket();

    await memory.storeDocument(key, { document: {}, userData: "secret" });

    const puts = sim.calls.filter(({ operation }) => operation === "S3.PutObject").map(({ input }) => input);
    expect(puts.at(-1)).toMatchObject({ Key: `${ROOT}/r1/userdata`, ServerSideEncryption: "aws:kms" });
  });

  it("finds the predecessor's halt file with its date, and deletes it", async () => {
    const { memory, put, clock } = createBucket();
    await put("halt", "Odin client Halted deploy");

    expect(await memory.listHalts(key)).toEqual([
      { kind: "file", message: "Odin client Halted deploy", modifiedAt: clock.now() },
    ]);
    await memory.clearHalts(key);
    expect(await memory.listHalts(key)).toEqual([]);
  });

  it("retries reading halts, and reports when that fails too", async () => {
    const { memory, sim, clock, put } = createBucket();
    await put("halt", "");
    const away = () => {
      throw new SimFault("InternalError", 500, "We encountered an internal error.");
    };
    sim.once("S3.GetObject", away);
    const found = memory.listHalts(key);
    await clock.advance(500);

    expect(await found).toMatchObject([{ kind: "file", message: "" }]);
    for (let calls = 0; calls < 6; calls += 1) sim.once("S3.GetObject", away);
    const lost = memory.listHalts(key).catch((error: Error) => error.message);
    for (let waits = 0; waits < 6; waits += 1) await clock.advance(1_000);
    expect(await lost).toContain("cannot be read");
  });

  it("treats a file that is not an order as one without text", async () => {
    const { memory, put } = createBucket();
    await put("r1/halt", "stop!");

    expect(await memory.listHalts(key)).toEqual([{ kind: "release", message: "", at: 0 }]);
  });

  it("does not fail by a halt file that stays", async () => {
    const { memory, sim, s3 } = createBucket();
    await s3.send(new DeleteObjectCommand({ Bucket: "releases", Key: `${ROOT}/halt` }));
    sim.once("S3.DeleteObject", () => {
      throw new SimFault("AccessDenied", 403, "Access Denied");
    });

    await expect(memory.clearHalts(key)).resolves.toBeUndefined();
  });

  it("throws for a document that is no JSON", async () => {
    const { memory, put } = createBucket();
    await put("r1/release", "{");

    await expect(memory.loadDocument(key)).rejects.toThrow(SyntaxError);
  });
});
