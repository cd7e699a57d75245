import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "stackyard-example-review-app/find-program";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const main = join(import.meta.dirname, "../demo/main.ts");
const hasTerraform = findProgram("terraform", process.env["PATH"] ?? "") !== undefined;
let root = "";

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-promotion-e2e-"));
  symlinkSync(process.execPath, join(root, "node"));
  // Linux does not need `ps`, and slim machines do not have it.
  if (process.platform !== "linux") symlinkSync("/bin/ps", join(root, "ps"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const CHECKS = [
  "ok 1.1.0: tenants while they were frozen 1.0.0 × 36, 1.1.0 × 4",
  "ok 1.1.0: events of the release that each tenant applied 1 × 40",
  "ok 1.2.0: after a change by hand PLAN_STALE",
  "ok 1.2.0: events of that release to production 0",
  "ok 1.2.0: production then 1.1.9 × 1",
  "ok 1.2.0: its state while a canary had failed PRODUCTION",
  "ok 1.2.0: tenants then 1.1.0 × 37, 1.2.0 × 3",
  "ok 1.2.0: tenants not sent to then 36",
  "ok 1.2.0: tenants that have arrived 40",
  "ok 1.2.0: tenants that were undone 40",
  "ok shop-test: stack LIVE 1.2.0",
  "ok shop-test: file 1.2.0",
  "ok shop-test: Terraform state 1.2.0",
  "ok shop-staging: stack LIVE 1.2.0",
  "ok shop-staging: file 1.2.0",
  "ok shop-staging: Terraform state 1.2.0",
  "ok shop-prod: stack LIVE 1.1.9",
  "ok shop-prod: file 1.1.9",
  "ok shop-prod: Terraform state 1.1.9",
  "ok tenants: stacks LIVE 1.1.0 × 40",
  "ok tenants: files 1.1.0 × 40",
  "ok board: test 1.2.0 by shop-1.2.0 × 1",
  "ok board: staging 1.2.0 by shop-1.2.0 × 1",
  "ok board: production 1.1.9 by hand × 1, behind",
  "ok board: tenants 1.1.0 by shop-1.1.0 × 40",
  "ok board: releases shop-1.1.0 DONE, shop-1.2.0 STOPPED",
];

interface Ended {
  readonly code: number;
  readonly output: string;
  /** The lines of the table, without the spaces between the columns. */
  readonly table: readonly string[];
}

/** Runs the demo with a folder of its own for what is temporary, which must be empty at the end. */
function runDemo(env: Readonly<Record<string, string>> = {}): Promise<Ended & { readonly left: readonly string[] }> {
  const temporary = mkdtempSync(join(root, "tmp-"));
  const options = { env: { ...process.env, TMPDIR: temporary, ...env }, timeout: 230_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [main], options, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      const table = output.split("\n").filter((line) => /^ {2}(ok|FAIL) /.test(line));
      resolve({
        code: error === null ? 0 : Number(error.code ?? -1),
        output,
        table: table.map((line) => line.trim().replace(/ {2,}/g, " ")),
        left: readdirSync(temporary),
      });
    });
  });
}

// Demos mostly wait, so both run at once.
describe("the demo", { concurrent: true, timeout: 240_000 }, () => {
  it.skipIf(!hasTerraform)("moves releases over Terraform and 40 tenants, and leaves nothing", async () => {
    const { code, output, table, left } = await runDemo();

    expect(table, output).toEqual(CHECKS);
    expect(code).toBe(0);
    expect(output).toMatch(/kill -9 in the last wave/);
    expect(left).toEqual([]);
  });

  it("does the same without Terraform, and says so", async () => {
    const { code, output, table } = await runDemo({ PATH: root });

    expect(table, output).toEqual(CHECKS.filter((line) => !line.includes("Terraform state")));
    expect(code).toBe(0);
    expect(output).toContain("there is no `terraform` on the PATH");
  });
});
