import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const examples = fileURLToPath(new URL("../../", import.meta.url));
const bin = fileURLToPath(new URL("../../../packages/cli/dist/bin.js", import.meta.url));

describe("the example of version 1", () => {
  const root = mkdtempSync(join(tmpdir(), "stackyard-version-1-"));
  const cwd = join(root, "version-1");
  const environments = join(root, "environments");
  let dev: ChildProcessByStdio<null, Readable, null>;

  beforeAll(async () => {
    cpSync(join(examples, "version-1"), cwd, { recursive: true });
    cpSync(join(examples, "review-app/functions"), join(root, "review-app/functions"), { recursive: true });
    dev = spawn(process.execPath, [bin, "dev", "--port", "0"], { cwd, stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: dev.stdout });
    await new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => line.includes("Ctrl-C stops") && resolve());
      lines.on("close", () => reject(new Error("stackyard dev has ended.")));
    });
  });

  afterAll(async () => {
    const ended = once(dev, "exit");
    dev.kill("SIGKILL");
    await ended;
    rmSync(root, { recursive: true, force: true });
  });

  const stackyard = async (...words: string[]) =>
    (await promisify(execFile)(process.execPath, [bin, ...words], { cwd })).stdout;

  it("is valid, strictly", async () => {
    expect(await stackyard("validate", "machines", "--strict")).toBe("ok   machines/sandbox.yaml\n");
  });

  it("makes its environment, makes it anew, and takes it away", async () => {
    const file = join(environments, "kim/database.json");
    const metadata = ["--metadata", `folder=${environments}`, "--metadata", "seconds:=0"];

    await stackyard("send", "kim", "ASKED", "--machine", "sandbox", ...metadata, "--until", "LIVE");
    expect(readFileSync(file, "utf8")).toContain("postgres");
    await stackyard("send", "kim", "RENEWED", "--until", "LIVE");
    expect(await stackyard("send", "kim", "RETURNED", "--until", "removed")).toContain("kim was removed.");
    expect(existsSync(file)).toBe(false);
  });

  it("is rewritten as version 2", async () => {
    expect(await stackyard("machine", "upgrade", "machines/sandbox.yaml", "--print")).toContain(
      "version: 2\nrevision: follow\n",
    );
  });
});
