import { execFileSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findArtifactCode } from "@stackyard/sdk/artifacts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aCell, aRow, type CommandWorld, createCommandWorld } from "../testing/a-command-world.ts";

let world: CommandWorld;
beforeEach(() => {
  world = createCommandWorld();
  world.write("dist/app.zip", "app");
  world.write("dist/templates/vpc.yaml", "AWSTemplateFormatVersion: 2010-09-09");
});
afterEach(() => world.remove());

const ARTIFACT = { name: "billing-api", version: "1.4.2", path: "dist" };
const publish = (over: object = {}, options = {}) => world.run("artifacts publish", { ...ARTIFACT, ...over }, options);
const keys = () => Object.keys(world.sim.s3.texts("source")).toSorted();
const manifest = () => JSON.parse(world.sim.s3.texts("source")["billing-api/1.4.2/manifest.json"] ?? "null");
const codeOf = (work: Promise<unknown>) => work.then(() => "none", findArtifactCode);

describe("artifacts publish", () => {
  it("publishes the files of a folder", async () => {
    const { exitCode, text, value } = await publish({ label: ["commit=4f1c9d2"] });

    expect(exitCode).toBe(0);
    expect(keys()).toEqual([
      "billing-api/1.4.2/app.zip",
      "billing-api/1.4.2/manifest.json",
      "billing-api/1.4.2/templates/vpc.yaml",
    ]);
    expect(manifest()).toMatchObject({
      labels: { commit: "4f1c9d2" },
      files: [{ contentType: "application/zip" }, { contentType: "application/yaml" }],
    });
    expect(value).toMatchObject({ name: "billing-api", version: "1.4.2", outcome: "published", files: 2, skipped: [] });
    expect(text).toMatch(/^billing-api 1\.4\.2 is published: 2 files, 39 B\.\nManifest [0-9a-f]{64}$/);
  });

  it("reports its progress", async () => {
    const { events, progress, blocks } = await publish();

    expect(events.map(({ kind, phase }) => [kind, phase])).toEqual([
      ["publish", "checking"],
      ["publish", "sending"],
      ["publish", "committing"],
    ]);
    expect(progress.at(-1)).toBe("Committing: 2 of 2 files, 39 B of 39 B");
    expect(blocks.at(-1)).toContain(" 100 %");
  });

  it("takes single files, marks templates and writes below a prefix", async () => {
    world.write("template.yaml", "AWSTemplateFormatVersion: 2010-09-09");
    const args = { path: "dist/app.zip", file: ["template.yaml"], rewriteTemplates: true, prefix: "artifacts/" };

    await publish(args);

    const text = world.sim.s3.texts("source")["artifacts/billing-api/1.4.2/manifest.json"] ?? "";
    expect(JSON.parse(text).files).toMatchObject([
      { key: "artifacts/billing-api/1.4.2/app.zip" },
      { key: "artifacts/billing-api/1.4.2/template.yaml", rewrite: "template" },
    ]);
  });

  it.each([
    ["Bucket: SOURCE", "resources first.yaml"],
    ["Description: x\nAWSTemplateFormatVersion: 2010-09-09", "description.yml"],
    ['{"Resources":{}}', "resources.json"],
  ])("lists what consumers leave unchanged although templates are to be rewritten: %j", async (text, name) => {
    world.write("template.yaml", "AWSTemplateFormatVersion: 2010-09-09");
    world.write(name, text);

    const { notes } = await publish({ path: "template.yaml", file: [name], rewriteTemplates: true });

    expect(notes).toEqual([
      `Not rewritten, not a template: ${name}. YAML must begin with AWSTemplateFormatVersion, JSON must contain it; at most 1.0 MiB.`,
    ]);
  });

  it("says when no file can be a template", async () => {
    world.write("plain/app.bin", "1");

    const { notes } = await publish({ path: "plain", rewriteTemplates: true });

    expect(notes).toEqual([expect.stringContaining("--rewrite-templates has no effect: no file is a template.")]);
  });

  it("leaves out what is hidden, and says so", async () => {
    world.write("dist/.env", "PASSWORD=x");
    world.write("dist/.git/config", "x");

    const { notes } = await publish();

    expect(notes).toEqual(["Skipped hidden files: 2. Pass --hidden to publish them too."]);
    expect(manifest().files).toHaveLength(2);
  });

  it("says so where nothing but hidden files is left", async () => {
    world.write("settings/.env", "PASSWORD=x");
    world.write("settings/.git/config", "x");

    await expect(publish({ path: "settings" })).rejects.toMatchObject({
      code: "USAGE",
      message: 'The folder "settings" has no files to publish but hidden ones: 2. --hidden publishes them.',
    });
  });

  it("follows no symbolic link", async () => {
    symlinkSync("/etc/passwd", join(world.cwd, "dist/link"));

    await expect(publish()).rejects.toMatchObject({ code: "USAGE", message: expect.stringContaining("symbolic link") });
    expect(keys()).toEqual([]);
  });

  it("does not mind what is odd among hidden files that stay out", async () => {
    world.write("dist/.cache/x", "x");
    symlinkSync("/etc/passwd", join(world.cwd, "dist/.cache/link"));

    expect(await publish()).toMatchObject({ exitCode: 0 });
  });

  it.each([
    [
      "a pipe",
      (path: string) => void execFileSync("sh", ["-c", 'mkfifo "$0/pipe"', path]),
      '"pipe" is not a regular file',
    ],
    [
      "a name that is not UTF-8",
      (path: string) => writeFileSync(Buffer.concat([Buffer.from(`${path}/a`), Buffer.from([0xff])]), ""),
      "not UTF-8",
    ],
  ])("rejects %s, and sends nothing", async (_what, make, told) => {
    make(join(world.cwd, "dist"));

    await expect(publish()).rejects.toMatchObject({ code: "USAGE", message: expect.stringContaining(told) });
    expect(keys()).toEqual([]);
  });

  it("succeeds with the same content again, and keeps the labels", async () => {
    await publish({ label: ["build=1"] });

    const { exitCode, text, notes } = await publish({ label: ["build=2"] });

    expect([exitCode, text]).toEqual([0, expect.stringContaining("is already published with the same content")]);
    expect(notes).toEqual(["The version keeps its published labels. Ignored: build"]);
  });

  it("rejects other content under the same version", async () => {
    await publish();
    world.write("dist/app.zip", "other");

    expect(await codeOf(publish())).toBe("VERSION_CONFLICT");
  });

  it.each([
    ["no bucket", {}, { environment: {} }],
    ["a time without waiting", { timeout: "5m" }, {}],
    ["waiting without a distributor", { wait: true }, { environment: { STACKYARD_ARTIFACTS_BUCKET: "source" } }],
    ["a wrong label", { label: ["x"] }, {}],
    ["a wrong name", { name: "../x" }, {}],
    ["an empty time", { wait: true, timeout: "soon" }, {}],
  ])("rejects %s before anything is sent", async (_what, args, options) => {
    expect(await codeOf(publish(args, options))).toBe("USAGE");
    expect(keys()).toEqual([]);
  });

  it("reports missing files", async () => {
    expect(await codeOf(publish({ path: "none" }))).toBe("CONFIG_INVALID");
  });

  it("opens S3 where the distributor is", async () => {
    await publish({ distributor: "arn:aws:lambda:eu-central-1:111122223333:function:distributor" });
    await publish({}, { environment: { STACKYARD_ARTIFACTS_BUCKET: "source", AWS_REGION: "us-east-1" } });

    expect(world.opened.aws).toEqual([{ region: "eu-central-1" }, { region: "us-east-1" }]);
  });
});

describe("artifacts publish --wait", () => {
  it("continues when the version is present everywhere", async () => {
    const looks = [[], [aRow([aCell({ status: "announced" })])], [aRow()]];
    world.answers.coverage = () => ({ rows: looks.shift() ?? [] });

    const running = publish({ wait: true });
    await expect.poll(() => world.asked.length).toBe(1);
    await world.clock.advance(10_000);
    const { exitCode, text, progress, notes, value } = await running;

    expect([exitCode, text]).toEqual([0, "billing-api 1.4.2: stored at 1 of 1 consumer."]);
    expect(notes[0]).toContain("is published");
    expect(progress.slice(-2)).toEqual([
      "billing-api 1.4.2: stored at 0 of 1 consumer",
      "billing-api 1.4.2: stored at 1 of 1 consumer",
    ]);
    expect(value).toMatchObject({ outcome: "published", covered: true });
  });

  it("is interrupted while it waits: the version stays, and was announced", async () => {
    const stop = new AbortController();
    world.answers.coverage = () => ({ rows: [aRow([aCell({ status: "announced" })])] });

    const running = publish({ wait: true }, { signal: stop.signal });
    const ended = expect(running).rejects.toMatchObject({
      code: "INTERRUPTED",
      message: "The wait for billing-api 1.4.2 was stopped. The distribution continues.",
    });
    await expect.poll(() => world.asked.length).toBe(1);
    stop.abort();

    await ended;
    expect(keys()).toContain("billing-api/1.4.2/manifest.json");
  });

  it("is interrupted also while the distributor does not answer", async () => {
    const stop = new AbortController();
    const asked = Promise.withResolvers<void>();
    world.answers.coverage = () => {
      asked.resolve();
      return new Promise(() => undefined) as never;
    };

    const running = publish({ wait: true }, { signal: stop.signal });
    const ended = expect(running).rejects.toMatchObject({ code: "INTERRUPTED" });
    await asked.promise;
    stop.abort();

    await ended;
  });

  it("publishes nothing when it was interrupted before", async () => {
    await expect(publish({ wait: true }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "INTERRUPTED",
    });

    expect(keys()).toEqual([]);
    expect(world.asked).toEqual([]);
  });

  it("ends with 4 when the time is over, and says where it is missing", async () => {
    world.answers.coverage = () => ({
      rows: [aRow([aCell(), aCell({ region: "us-east-1", status: "failed", code: "TARGET_DENIED" })])],
    });

    const running = publish({ wait: true, timeout: "1m" });
    await expect.poll(() => world.asked.length).toBe(1);
    await world.clock.advance(60_000);
    const { exitCode, notes, value } = await running;

    expect([exitCode, value["covered"]]).toEqual([4, false]);
    expect(notes.at(-1)).toBe(
      "After 1m it is missing in 222233334444 us-east-1 (failed TARGET_DENIED). Check again: stackyard artifacts coverage --artifact billing-api@1.4.2",
    );
  });
});
