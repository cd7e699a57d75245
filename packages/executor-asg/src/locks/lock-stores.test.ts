import { S3Client } from "@aws-sdk/client-s3";
import { createAwsSim, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createYardLockFiles } from "../deploy/yard-memory.ts";
import type { LockFiles } from "./lock-files.ts";
import { createS3LockFiles } from "./lock-stores.ts";
import { createReleaseLocks } from "./release-locks.ts";

const ACCOUNT = "111122223333";

function createBucket() {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "deployer" });
  sim.s3.createBucket({ name: "releases", account: ACCOUNT, region: "eu-west-1" });
  const client = new S3Client({ region: "eu-west-1", credentials, maxAttempts: 1 });
  client.middlewareStack.use(createSimPlugin(sim));
  return { sim, clock, files: createS3LockFiles({ client, bucket: "releases" }) };
}

function createRecordFiles(): LockFiles {
  return createYardLockFiles({
    records: createMemoryRecords(),
    clock: createFakeClock(),
    at: { account: "111122223333", region: "eu-west-1" },
  });
}

describe.each([
  ["objects of a bucket", () => createBucket().files],
  ["records of a yard", createRecordFiles],
])("%s", (_, create) => {
  it("are read as they were written, under any name", async () => {
    const files = create();

    expect(await files.put("1/org/we b//ü/lock", "text", "absent")).toBe("written");

    expect(await files.load("1/org/we b//ü/lock")).toMatchObject({ text: "text" });
    expect(await files.load("1/other")).toBeUndefined();
  });

  it("are written by one of many at a time", async () => {
    const files = create();

    const first = await Promise.all(["a", "b", "c"].map((text) => files.put("p", text, "absent")));
    const { version = "" } = (await files.load("p")) ?? {};
    const second = await Promise.all(["d", "e", "f"].map((text) => files.put("p", text, version)));

    expect([first.sort(), second.sort()]).toEqual([
      ["conflict", "conflict", "written"],
      ["conflict", "conflict", "written"],
    ]);
  });

  it("are removed as they were read, and only so", async () => {
    const files = create();
    await files.put("p", "old", "absent");
    const { version: old = "" } = (await files.load("p")) ?? {};
    await files.put("p", "new", old);
    const { version = "" } = (await files.load("p")) ?? {};

    expect(await files.remove("p", old)).toBe("conflict");
    expect(await files.remove("p", version)).toBe("removed");
    expect(await files.remove("p", version)).toBe("removed");
    expect(await files.put("p", "late", version)).toBe("conflict");
  });
});

describe("locks in a bucket", () => {
  const key = { aws_account_id: ACCOUNT, project_name: "p", config_name: "c", release_id: "r1" };

  it("are taken once although S3 answers that another request is under way", async () => {
    const { sim, files, clock } = createBucket();
    sim.once("S3.PutObject", () => {
      throw new SimFault("ConditionalRequestConflict", 409, "The conditional request cannot succeed.");
    });
    const locks = createReleaseLocks({ files, clock, generation: "odin" });

    expect(await locks.acquire(key, "u1")).toEqual({ kind: "acquired", fencingToken: 1 });
  });

  it("say where the file is and how to remove it by hand", async () => {
    const { files, clock } = createBucket();
    const locks = createReleaseLocks({ files, clock, generation: "odin" });
    await locks.acquire(key, "u1");

    expect(await locks.acquire({ ...key, release_id: "r2" }, "u2")).toMatchObject({
      message: expect.stringContaining("aws s3 rm s3://releases/111122223333/p/c/lock"),
    });
  });

  it("are released where the store knows no conditional delete", async () => {
    const { sim, files } = createBucket();
    await files.put("p", "text", "absent");
    sim.once("S3.DeleteObject", () => {
      throw new SimFault("NotImplemented", 501, "A header you provided implies functionality that is not implemented.");
    });

    expect(await files.remove("p", (await files.load("p"))?.version ?? "")).toBe("removed");
    expect(await files.load("p")).toBeUndefined();
  });

  it("report what could not be read", async () => {
    const { sim, files } = createBucket();
    sim.once("S3.GetObject", () => {
      throw new SimFault("AccessDenied", 403, "Access Denied");
    });

    await expect(files.load("p")).rejects.toThrow("The object s3://releases/p cannot be read.");
  });
});
