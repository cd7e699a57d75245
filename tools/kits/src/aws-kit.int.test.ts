import { answerQuery, answerS3, createAwsSim, type FrontDoor, openFrontDoor } from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/yard";
import { buildApp } from "fauxqs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createAwsKit } from "./aws-kit.ts";
import { runKit } from "./run-kit.ts";

const [account, region] = ["111122223333", "eu-west-1"];

let sim: ReturnType<typeof createAwsSim>;
let door: FrontDoor;
let queues: ReturnType<typeof buildApp>;
beforeEach(async () => {
  sim = createAwsSim({ clock: systemClock });
  queues = buildApp({ logger: false, defaultRegion: region });
  const others = await queues.listen({ host: "127.0.0.1", port: 0 });
  door = await openFrontDoor({ services: { s3: answerS3(sim), sts: answerQuery(sim, "STS") }, others });
  const { accessKeyId, secretAccessKey } = sim.iam.addUser({ account, name: "person", allow: ["*"] });
  vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await door.stop();
  await queues.close();
});

function run(signal = new AbortController().signal) {
  const kit = createAwsKit({ region, endpoint: door.url });
  return runKit(kit, { signal, say: () => undefined, confirm: async () => true, pauseMs: 0 });
}

const count = (name: string) => sim.calls.filter(({ operation }) => operation === `S3.${name}`).length;

describe("the kit of AWS", () => {
  it("answers the question about block public access first, and removes all", async () => {
    const report = await run();

    expect(report?.checks.map(({ passed, observed }) => ({ passed, observed }))).toEqual([
      { passed: true, observed: expect.stringMatching(/^refused with AccessDenied: .*BlockPublicPolicy/) },
      { passed: true, observed: "accepted, IsPublic is false" },
      { passed: true, observed: "1 has won, 9 were refused" },
      { passed: true, observed: expect.stringMatching(/^received after \d+ ms$/) },
    ]);
    expect(report).toMatchObject({
      end: "done",
      left: [],
      removed: [expect.stringMatching(/^queue stackyard-kit-/), expect.stringMatching(/^bucket stackyard-kit-/)],
    });
    expect(count("DeleteBucket")).toBe(1);
  });

  it("says which check failed, and removes all", async () => {
    door.refuse(({ method, path }) => method === "PUT" && path.includes("records/lock"));

    const report = await run();

    expect(report).toMatchObject({ end: "failed", left: [] });
    expect(report?.checks.map(({ passed }) => passed)).toEqual([true, true, false, true]);
    expect(count("DeleteBucket")).toBe(1);
  });

  it.each(["DELETE", "HEAD"])("names the bucket that it may not remove, when S3 denies %s", async (denied) => {
    let isMade = false;
    door.refuse(({ method, path }) => {
      isMade ||= path.includes("records/lock");
      return isMade && method === denied && path.startsWith("/stackyard-kit-");
    });

    expect(await run()).toMatchObject({
      end: "failed",
      removed: [expect.stringMatching(/^queue /)],
      left: [expect.stringMatching(/^bucket stackyard-kit-111122223333-\w{8}: /)],
    });
    expect(count("DeleteBucket")).toBe(0);
  });

  it("removes the bucket after Ctrl-C", async () => {
    const interrupt = new AbortController();
    door.refuse(({ path }) => {
      if (path.includes("policyStatus")) interrupt.abort(new Error("Ctrl-C"));
      return false;
    });

    expect(await run(interrupt.signal)).toMatchObject({ end: "interrupted", left: [], made: [expect.any(String)] });
    expect(count("DeleteBucket")).toBe(1);
  });

  it("makes nothing without credentials", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN");

    await expect(run()).rejects.toThrow(/^No AWS account answers to the credentials of this shell \(/);
    expect(count("CreateBucket")).toBe(0);
  });
});
