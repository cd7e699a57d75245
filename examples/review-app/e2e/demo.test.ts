import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { findProgram } from "../demo/find-program.ts";
import { killTree } from "../demo/process-tree.ts";

const main = fileURLToPath(new URL("../demo/main.ts", import.meta.url));
const hasTerraform = findProgram("terraform", process.env["PATH"] ?? "") !== undefined;

interface Ended {
  readonly code: number;
  readonly output: string;
  /** The lines of the table, without the spaces between the columns. */
  readonly table: readonly string[];
}

/** Each gives another moment of the kill; one comes without Terraform, too, in the short tests. */
const SEEDS = process.env["LONG_TESTS"] ? [11, 23, 47] : [];
const toDelayMs = (seed: number) => 200 + ((seed * 7_919) % 9_000);

/** Shorter than the timeout of a test, so that a demo that hangs still shows its output. */
const LIMIT_MS = 105_000;

function runDemo(words: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    let late = "";
    const child = execFile(
      process.execPath,
      [main, ...words],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        clearTimeout(timer);
        const output = `${stdout}${stderr}${late}`;
        const table = output.split("\n").filter((line) => /^ {2}(ok|FAIL) /.test(line));
        resolve({
          code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1,
          output,
          table: table.map((line) => line.trim().replace(/ {2,}/g, " ")),
        });
      },
    );
    const timer = setTimeout(() => {
      late = `It was not over after ${LIMIT_MS / 1_000} s and was killed.`;
      if (child.pid !== undefined) void killTree(child.pid);
    }, LIMIT_MS);
  });
}

const TABLE = [
  "ok pr-7 stack LIVE",
  'ok pr-7 file database.json {"engine":"postgres"}',
  "ok pr-7 file network.txt 10.0.0.0/16",
  "ok pr-7 file app.txt 77aa",
  "ok pr-7 Terraform state network terraform_data.network 10.0.0.0/16",
  "ok pr-7 Terraform state app terraform_data.app 77aa",
  "ok pr-12 stack removed",
  "ok pr-12 file database.json removed",
  "ok pr-12 file network.txt removed",
  "ok pr-12 file app.txt removed",
  "ok pr-12 Terraform state network no resources",
  "ok pr-12 Terraform state app no resources",
  "ok all runs of Terraform saved or settled",
  "ok all 5 events each applied once",
];

// Demos mostly wait, so all run at once. Without the program these cannot run; `npm run demo` reports the same.
describe.skipIf(!hasTerraform)("the demo with Terraform", { concurrent: true }, () => {
  it("ends with 0 and everything as it should be, in plain lines", async () => {
    const { code, output, table } = await runDemo();

    expect(table, output).toEqual(TABLE);
    expect(code).toBe(0);
    expect(output).not.toContain("\u001b");
    expect(output).toMatch(/TASK_ERROR {10}BUILD +database: Error: no room/);
    expect(output).toMatch(/kill -9, halfway: the control plane and .*terraform/);
    expect(output).toContain("All 14 checks hold.");
  });

  it.each(SEEDS)("ends so after a kill -9 at another moment, too (seed %i)", async (seed) => {
    const delayMs = toDelayMs(seed);

    const { code, output, table } = await runDemo(["--kill-after", String(delayMs)]);

    expect(table, output).toEqual(TABLE);
    expect(code).toBe(0);
    expect(output).toContain(`kill -9, ${delayMs} ms after the start`);
  });
});

describe("the demo without Terraform", { concurrent: true }, () => {
  let path = "";

  beforeAll(() => {
    path = join(mkdtempSync(join(tmpdir(), "stackyard-demo-path-")), "bin");
    mkdirSync(path);
    symlinkSync(process.execPath, join(path, "node"));
    // Linux does not need `ps`, and slim machines do not have it.
    if (process.platform !== "linux") symlinkSync("/bin/ps", join(path, "ps"));
  });

  it("says so, shows what functions do, and ends with 0, also after a kill -9 at another moment", async () => {
    const delayMs = toDelayMs(23);

    const { code, output, table } = await runDemo(["--kill-after", String(delayMs)], { PATH: path });

    expect(output).toContain(`kill -9, ${delayMs} ms after the start`);
    expect(output).toContain("there is no `terraform` on the PATH");
    expect(table, output).toEqual(TABLE.filter((line) => / (stack|file database.json|5 events) /.test(line)));
    expect(output).toContain("All 5 checks hold, of the part without Terraform.");
    expect(code).toBe(0);
  });

  it("reports invalid arguments, and exits with 64", async () => {
    const { code, output } = await runDemo(["--kill-after", "soon"]);

    expect(output).toContain('"soon" must be milliseconds');
    expect(code).toBe(64);
  });
});
