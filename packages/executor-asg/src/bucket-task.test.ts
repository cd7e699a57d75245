import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { TARGET, USER_DATA, USER_DATA_SHA256 } from "./testing/builders.ts";
import { aTaskConfig, aTaskDocument, createAsgYard } from "./testing/yards.ts";

const ROOT = `${TARGET.account}/org/shop/production`;

/** A document as a client of the predecessor writes it. */
const document = aTaskDocument({
  aws_account_id: TARGET.account,
  aws_region: TARGET.region,
  bucket: "releases",
  release_id: "r2",
  created_at: "2026-01-01T00:00:00Z",
  user_data_sha256: USER_DATA_SHA256,
});

function createYard() {
  const yard = createAsgYard();
  const { sim } = yard.world;
  sim.s3.createBucket({ name: "releases", account: TARGET.account, region: TARGET.region });
  const put = (Key: string, Body: string) =>
    yard.aws(S3Client).send(new PutObjectCommand({ Bucket: "releases", Key: `${ROOT}/${Key}`, Body }));
  return { ...yard, put, keys: () => Object.keys(sim.s3.texts("releases")).sort() };
}

describe("a task whose memory is a predecessor's bucket", () => {
  const config = { release: document, preset: "odin", memory: { bucket: "releases" } };

  it("releases what is in both channels, under the predecessor's locks", async () => {
    const { run, put, keys } = createYard();
    await put("r2/release", JSON.stringify(document));
    await put("r2/userdata", USER_DATA);

    const { step } = await run(config);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { releaseId: "r2" } });
    expect(keys()).toEqual(["lock-token", "r2/lock", "r2/release", "r2/userdata"].map((key) => `${ROOT}/${key}`));
  });

  it("is rejected when the bucket has another document or none", async () => {
    const { run, put } = createYard();

    const none = await run(config);
    await put("r2/release", JSON.stringify({ ...document, ami: "other" }));
    const other = await run(config);

    expect(none.step).toMatchObject({
      code: "BAD_RELEASE",
      message: expect.stringContaining("Its document is not in"),
    });
    expect(other.step).toMatchObject({
      code: "BAD_RELEASE",
      message: expect.stringContaining("differs from the one in the call"),
    });
  });

  it("backs off from the predecessor's deployer, and reports how to remove its lock by hand", async () => {
    const { run, put } = createYard();
    await put("r2/release", JSON.stringify(document));
    await put("r2/userdata", USER_DATA);
    await put("lock", '{"uuid":"odin"}');

    const { step } = await run(config);

    expect(step).toMatchObject({
      code: "LOCK_EXISTS",
      message: expect.stringContaining(`aws s3 rm s3://releases/${ROOT}/lock`),
    });
  });

  it("is halted by the predecessor's file", async () => {
    const { run, put, world } = createYard();
    await put("r2/release", JSON.stringify(document));
    await put("r2/userdata", USER_DATA);
    void world.clock.sleep(40_000).then(() => put("halt", "Stop all."));

    const { step } = await run(config);

    expect(step).toMatchObject({ code: "RELEASE_HALTED", message: "Stop all.", outputs: { end: "FailureClean" } });
  });

  it("is its own client when the bucket is not a second channel", async () => {
    const { run, keys } = createYard();
    const memory = { bucket: "releases", secondChannel: false };

    const { step } = await run(aTaskConfig({ release_id: "r3" }, { memory }));

    expect(step).toMatchObject({ kind: "succeeded", outputs: { releaseId: "r3" } });
    expect(keys()).toContain(`${ROOT}/r3/userdata`);
  });
});
