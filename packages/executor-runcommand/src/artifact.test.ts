import { createHash } from "node:crypto";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { aSimFleet, type SimFleet } from "./testing/a-sim-fleet.ts";

const artifact = { bucket: "builds", key: "site/app.zip" };
const config: RunCommandConfig = { profile: "ansible", artifact };

async function put(fleet: SimFleet, body: string): Promise<void> {
  await fleet
    .context()
    .aws(S3Client)
    .send(new PutObjectCommand({ Bucket: "builds", Key: artifact.key, Body: body }));
}

function sentDigests(fleet: SimFleet): readonly (readonly string[] | undefined)[] {
  return fleet.sim.ssm.listCommands().map(({ parameters }) => parameters["ArtifactSha256"]);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function fail(name: string, httpStatusCode: number, message = "Told to fail"): Promise<never> {
  return Promise.reject(Object.assign(new Error(message), { name, $metadata: { httpStatusCode } }));
}

describe("a run's artifact", () => {
  it("is read once, so that every instance checks the same content", async () => {
    const fleet = aSimFleet();
    await fleet.addDocument();
    await put(fleet, "first");
    const ids = fleet.addMany(3);
    fleet.sim.ssm.script(ids[0] ?? "", { exitCode: 1 }, {});
    await fleet.run({ ...config, maxConcurrency: 1 });
    await put(fleet, "second");

    const { step } = await fleet.run(config, { context: { attempt: { id: "a2", number: 2, token: 1 } } });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 3 } });
    expect(sentDigests(fleet)).toEqual([[sha256("first")], [sha256("first")]]);
    expect((await fleet.report()).first).toMatchObject({ artifact });
  });

  it("is read once for an instance that has started", async () => {
    const fleet = aSimFleet();
    await fleet.addDocument();
    await put(fleet, "first");

    const { step } = await fleet.run({ ...config, instance: fleet.add() });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(sentDigests(fleet)).toEqual([[sha256("first")]]);
  });

  it("is not read where its digest is given", async () => {
    const fleet = aSimFleet();
    await fleet.addDocument();
    fleet.add();
    const given = "a".repeat(64);

    await fleet.run({ ...config, artifact: { ...artifact, sha256: given } });

    expect(sentDigests(fleet)).toEqual([[given]]);
  });

  it("is read again by the next attempt after a transient error of S3", async () => {
    const fleet = aSimFleet();
    fleet.add();
    for (let tries = 0; tries < 30; tries += 1) fleet.sim.once("S3.GetObject", () => fail("InternalError", 500));

    expect((await fleet.run(config)).step).toMatchObject({ kind: "failed", code: "AWS_UNAVAILABLE", retryable: true });
  });

  it("is not retried after a permanent error of S3, and the message has no secret", async () => {
    const fleet = aSimFleet();
    fleet.add();
    fleet.sim.once("S3.GetObject", () => fail("PermanentRedirect", 301, "The bucket is elsewhere, password=hunter2"));

    const { step } = await fleet.run(config);

    expect(step).toMatchObject({ kind: "failed", code: "PERMANENT_REDIRECT", retryable: false });
    expect(step).toHaveProperty("message", expect.stringContaining("s3://builds/site/app.zip could not be read."));
    expect(JSON.stringify(step)).not.toContain("hunter2");
  });

  it("must be there", async () => {
    const fleet = aSimFleet();
    fleet.add();

    expect((await fleet.run(config)).step).toMatchObject({ kind: "failed", code: "ARTIFACT_NOT_FOUND" });
  });
});
