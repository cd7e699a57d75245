import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "tsup";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import config from "../tsup.config.ts";

const root = join(import.meta.dirname, "../../..");
const app = join(import.meta.dirname, "..");
/** A template has at most 1 MB, and contains two of these. */
const MAX_BYTES = 400 * 1_024;
const NODES = [
  ["this Node", process.execPath],
  ["Node 22", join(root, "tools/checks/node-22/node_modules/.bin/node")],
] as const;
const PLACE = { CONSUMER_ACCOUNT_ID: "444455556666", CONSUMER_REGION: "eu-central-1", AWS_REGION: "eu-central-1" };

/** Too little time for anything but the batch. */
const CONTEXT = "{ getRemainingTimeInMillis: () => 30000 }";

let folder = "";

/** Each file as on Lambda: alone in a folder, with the SDK above it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stackyard-inline-"));
  const entry = { copy: join(app, "src/copy.ts"), resources: join(app, "src/resources.ts") };
  const inline = config.find(({ outDir }) => outDir === "dist/inline");
  await build({ ...inline, entry, outDir: join(folder, "built"), config: false, silent: true });
  await mkdir(join(folder, "node_modules"));
  const sdk = dirname(dirname(createRequire(import.meta.url).resolve("@aws-sdk/client-s3/package.json")));
  await symlink(sdk, join(folder, "node_modules/@aws-sdk"));
  for (const name of ["copy", "resources"]) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "index.js"), await readFile(join(folder, "built", `${name}.js`)));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(node: string, name: string, program: string, env: Readonly<Record<string, string>> = {}) {
  return new Promise<string>((resolve, reject) => {
    const script = `const f = require("./index.js"); ${program}.then((a) => console.log(JSON.stringify(a)), (e) => console.log(e.code, e.message))`;
    const child = spawn(node, ["-e", script], { cwd: join(folder, name), env: { ...PLACE, ...env } });
    let out = "";
    const add = (part: unknown) => {
      out += String(part);
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    child.on("error", reject);
    child.on("close", () => resolve(out.trim()));
  });
}

describe("the code that templates hold", () => {
  it.each(["copy", "resources"])("%s is small enough", async (name) => {
    expect((await stat(join(folder, name, "index.js"))).size).toBeLessThan(MAX_BYTES);
  });

  it.each(["copy", "resources"])("%s says first what it is, and by what it is compared", async (name) => {
    const [head = "", code = ""] = (await readFile(join(folder, name, "index.js"), "utf8")).split("*/\n");
    const { version } = Object(JSON.parse(await readFile(join(root, "packages/consumer/package.json"), "utf8")));

    expect(head).toMatch(/^\/\*!\n/);
    for (const part of [`Stackyard ${version},`, `${name}.js: `, "License: MIT", "SHA-256"])
      expect(head).toContain(part);
    expect(code).toMatch(/^"use strict";/);
  });

  describe.each(NODES)("under %s", (_name, node) => {
    it("serves a batch", async () => {
      const environment = {
        ARTIFACTS_BUCKET: "own-bucket",
        DISTRIBUTOR_BUCKET: "dist-bucket",
        DISTRIBUTION_TOPIC: "arn:aws:sns:eu-west-1:111122223333:topic",
      };
      const batch = JSON.stringify({ Records: [{ messageId: "m-1", body: "{" }] });

      const lines = (await run(node, "copy", `f.handler(${batch}, ${CONTEXT})`, environment)).split("\n");

      expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "error", code: "MESSAGE_INVALID", messageId: "m-1" });
      expect(lines[1]).toBe('{"batchItemFailures":[]}');
    });

    it("says what is wrong with its environment", async () => {
      const out = await run(node, "copy", "f.handler({ Records: [] })");

      expect(out).toMatch(/^CONFIG_INVALID [\s\S]*ARTIFACTS_BUCKET is not set/);
    });

    it.each(["initialSet", "bucket"])("has the handler %s", async (handler) => {
      expect(await run(node, "resources", `f.${handler}({})`)).toMatch(/^EVENT_INVALID /);
    });
  });
});
