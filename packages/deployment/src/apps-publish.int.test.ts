import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectionReset } from "@stackyard/aws-sim";
import { afterEach, describe, expect, it } from "vitest";
import { BUCKET, createCloud } from "./testing/a-cloud.ts";
import { aTemplate, writeRelease } from "./testing/a-release.ts";
import { makeProject } from "./testing/run-command.ts";

const project = makeProject();
const folder = join(project.folder, "dist/release");
const toSum = (text: string) => createHash("sha256").update(text).digest("hex");

afterEach(() => {
  rmSync(project.folder, { recursive: true, force: true });
});

describe("apps publish", () => {
  it("uploads zips and templates under the version and prints version and digest of each", async () => {
    const { aws, sim } = createCloud();
    writeRelease(folder, { zips: { "state-manager": "one", "task-runner": "two" } });

    const { exitCode, results } = await project.run(aws, "apps publish", { bucket: BUCKET, prefix: "stackyard" });

    expect(exitCode).toBe(0);
    expect(sim.s3.texts(BUCKET)).toEqual({
      "stackyard/state-manager/0.1.0/state-manager.zip": "one",
      "stackyard/task-runner/0.1.0/task-runner.zip": "two",
      "stackyard/templates/0.1.0/yard.template.json": aTemplate(),
    });
    const object = `s3://${BUCKET}/stackyard/state-manager/0.1.0/state-manager.zip`;
    const stored = sim.s3.findObject(BUCKET, "stackyard/state-manager/0.1.0/state-manager.zip");
    expect(results[0]).toEqual({
      kind: "app",
      name: "state-manager",
      version: "0.1.0",
      object,
      action: "uploaded",
      sha256: toSum("one"),
      versionId: stored?.versionId,
    });
    expect(stored?.checksumSha256).toBe(createHash("sha256").update("one").digest("base64"));
  });

  it("skips objects with the same digest, and resumes after a broken connection", async () => {
    const { aws, sim } = createCloud();
    writeRelease(folder);
    sim.once("S3.PutObject", (proceed) => proceed());
    sim.once("S3.PutObject", () => Promise.reject(connectionReset()));

    await expect(project.run(aws, "apps publish", { bucket: BUCKET })).rejects.toMatchObject({ code: "UNREACHABLE" });
    const { results } = await project.run(aws, "apps publish", { bucket: BUCKET });

    expect(results).toMatchObject([
      { name: "state-manager", action: "present" },
      { name: "yard", action: "uploaded" },
    ]);
    expect(sim.calls.filter(({ operation }) => operation === "S3.PutObject")).toHaveLength(2);
  });

  it("knows a digest by its metadata where a store keeps no checksums", async () => {
    const { aws, sim } = createCloud();
    writeRelease(folder);
    await project.run(aws, "apps publish", { bucket: BUCKET });
    const bare = sim.s3.findObject(BUCKET, "state-manager/0.1.0/state-manager.zip");
    Object.assign(bare ?? {}, { checksumSha256: undefined });

    expect((await project.run(aws, "apps publish", { bucket: BUCKET })).results[0]).toMatchObject({
      action: "present",
    });
  });

  it("does not overwrite a published version without --replace", async () => {
    const { aws, sim } = createCloud();
    writeRelease(folder);
    await project.run(aws, "apps publish", { bucket: BUCKET });
    writeRelease(folder, { zips: { "state-manager": "other" } });

    await expect(project.run(aws, "apps publish", { bucket: BUCKET })).rejects.toMatchObject({
      code: "RECORD_CONFLICT",
      message: expect.stringContaining(toSum("zip")),
    });
    expect(sim.s3.texts(BUCKET)["state-manager/0.1.0/state-manager.zip"]).toBe("zip");
    const { results } = await project.run(aws, "apps publish", { bucket: BUCKET, replace: true });
    expect(results).toMatchObject([{ action: "uploaded" }, { action: "present" }]);
  });

  it("lets the first of two at a time win", async () => {
    const { aws, sim } = createCloud();
    writeRelease(folder);
    sim.once("S3.PutObject", (proceed) => {
      sim.s3.write(BUCKET, "state-manager/0.1.0/state-manager.zip", "theirs");
      return proceed();
    });

    await expect(project.run(aws, "apps publish", { bucket: BUCKET })).rejects.toMatchObject({
      code: "RECORD_CONFLICT",
    });
    expect(sim.s3.texts(BUCKET)).toEqual({ "state-manager/0.1.0/state-manager.zip": "theirs" });
  });

  it("uploads nothing of a damaged release and names every file", async () => {
    const { aws, sim } = createCloud();
    writeRelease(folder, { zips: { a: "1", b: "2", c: "3" } });
    writeFileSync(join(folder, "a-0.1.0.zip"), "changed");
    rmSync(join(folder, "b-0.1.0.zip"));

    await expect(project.run(aws, "apps publish", { bucket: BUCKET })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(/"a-0.1.0.zip" does not match its SHA-256.*"b-0.1.0.zip" is missing/),
    });
    expect(sim.calls).toEqual([]);
  });

  it("reads no file that has no sum", async () => {
    const { aws } = createCloud();
    writeRelease(folder);
    const release = { version: "0.1.0", apps: [{ name: "x", file: "../../secret" }], templates: [] };
    const text = JSON.stringify(release);
    writeFileSync(join(folder, "release.json"), text);
    writeFileSync(join(folder, "SHA256SUMS"), `${toSum(text)}  release.json\n`);

    await expect(project.run(aws, "apps publish", { bucket: BUCKET })).rejects.toThrow(
      '"../../secret" has no line in SHA256SUMS.',
    );
  });

  it("takes the apps that are named, with all templates", async () => {
    const { aws, sim } = createCloud();
    writeRelease(folder, { zips: { "state-manager": "1", "task-runner": "2" } });

    await project.run(aws, "apps publish", { bucket: BUCKET, app: ["task-runner"] });

    expect(Object.keys(sim.s3.texts(BUCKET)).sort()).toEqual([
      "task-runner/0.1.0/task-runner.zip",
      "templates/0.1.0/yard.template.json",
    ]);
    await expect(project.run(aws, "apps publish", { bucket: BUCKET, app: ["x"] })).rejects.toThrow(
      "Release 0.1.0 has no app x; it has state-manager, task-runner.",
    );
  });

  it("remembers the bucket and prefix, and requires --bucket the first time", async () => {
    const { aws } = createCloud();
    writeRelease(folder);

    await expect(project.run(aws, "apps publish")).rejects.toMatchObject({ code: "USAGE" });
    await project.run(aws, "apps publish", { bucket: BUCKET, prefix: "p" });
    const { results } = await project.run(aws, "apps publish");

    expect(results[0]).toMatchObject({ action: "present", object: expect.stringContaining(`s3://${BUCKET}/p/`) });
    expect(JSON.parse(readFileSync(join(project.folder, ".stackyard/apps.json"), "utf8"))).toEqual({
      bucket: BUCKET,
      prefix: "p/",
    });
  });

  it("says what to do when the release, the bucket or a permission is missing", async () => {
    const { aws, as } = createCloud();

    await expect(project.run(aws, "apps publish", { bucket: BUCKET })).rejects.toMatchObject({
      code: "NOT_FOUND",
      details: { hint: expect.stringContaining("npm run package") },
    });
    writeRelease(folder);
    await expect(project.run(aws, "apps publish", { bucket: "nowhere" })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("aws s3 mb"),
    });
    await expect(
      project.run(as(["s3:Get*", "s3:ListBucket"]), "apps publish", { bucket: BUCKET }),
    ).rejects.toMatchObject({
      code: "FORBIDDEN",
      message: expect.stringContaining("s3:PutObject"),
    });
    expect(existsSync(join(project.folder, ".stackyard"))).toBe(false);
  });

  it("stops when it is interrupted", async () => {
    const { aws, sim } = createCloud();
    writeRelease(folder);

    const run = project.run(aws, "apps publish", { bucket: BUCKET }, AbortSignal.abort());

    await expect(run).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(sim.calls).toEqual([]);
  });
});

afterEach(() => {
  rmSync(project.folder, { recursive: true, force: true });
});

it("lists what is published, the newest first, and what is deployed", async () => {
  const { aws, clock, sim } = createCloud();
  for (const version of ["0.1.0", "0.2.0"]) {
    writeRelease(join(project.folder, "dist/release"), { version });
    await project.run(aws, "apps publish", { bucket: BUCKET });
    await clock.sleep(60_000);
  }
  sim.s3.write(BUCKET, "notes.txt", "x");
  const parameter = ["MachineBucket=m"];
  await project.run(aws, "apps deploy", { name: "yard", yard: "test", parameter, release: "0.1.0" });

  const { results, texts } = await project.run(aws, "apps ls");

  expect(results).toMatchObject([
    {
      place: { bucket: BUCKET, prefix: "" },
      published: [
        { kind: "app", name: "state-manager", version: "0.2.0", bytes: 3 },
        { kind: "template", name: "yard", version: "0.2.0" },
        { kind: "app", name: "state-manager", version: "0.1.0" },
        { kind: "template", name: "yard", version: "0.1.0" },
      ],
      deployed: [
        { stack: "stackyard-test", yard: "test", template: "yard", release: "0.1.0", status: "CREATE_COMPLETE" },
      ],
    },
  ]);
  const lines = (texts[0] ?? "").split("\n");
  expect(lines[0]).toBe(`Published in s3://${BUCKET}/`);
  expect(lines[1]).toMatch(/^kind +name +version +bytes +published$/);
  expect(lines.at(-1)).toMatch(/^stackyard-test +test +yard +0\.1\.0 +CREATE_COMPLETE +2026-/);
});

it("says that nothing is known yet", async () => {
  const { aws } = createCloud();

  const { texts, results } = await project.run(aws, "apps ls");

  expect(results).toEqual([{ place: null, published: [], deployed: [] }]);
  expect(texts[0]).toContain("Pass --bucket");
  expect((await project.run(aws, "apps ls", { bucket: BUCKET })).texts[0]).toContain(
    `Nothing is published in s3://${BUCKET}/.`,
  );
});

it("gives hints about AWS, not about a server", async () => {
  const { as, aws, sim } = createCloud();
  sim.once("CloudFormation.DescribeStacks", () => Promise.reject(new Error("Region is missing")));

  await expect(project.run(aws, "apps ls")).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    details: { hint: expect.stringContaining("AWS_REGION") },
  });
  await expect(project.run(as([]), "apps ls")).rejects.toMatchObject({
    code: "FORBIDDEN",
    details: { hint: expect.stringContaining("@stackyard/deployment") },
  });
});

it("shows no stacks that are not ours", async () => {
  const { aws } = createCloud();
  writeRelease(join(project.folder, "dist/release"));
  await project.run(aws, "apps publish", { bucket: BUCKET });

  expect((await project.run(aws, "apps ls")).results).toMatchObject([{ deployed: [] }]);
});
