import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

// Plays `npm run demo:previews` of the README and of previews.md.
const main = join(import.meta.dirname, "../demo/main.ts");
let root = "";

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-previews-e2e-"));
  symlinkSync(process.execPath, join(root, "node"));
  // Linux does not need `ps`, and slim machines do not have it.
  if (process.platform !== "linux") symlinkSync("/bin/ps", join(root, "ps"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const CHECKS = [
  "ok pr-1: address of the preview https://pr-1.previews.example.org",
  "ok pr-2: check before it was trusted neutral",
  "ok pr-2: stacks before it was trusted pr-1",
  "ok pr-1: approvals of the replacement 1",
  "ok pr-1: files after the replacement pr-1-ccccccc",
  "ok pr-3: waited for pr-1, pr-2",
  "ok pr-1: state after the lost close LIVE",
  "ok pr-2: files while it was asleep nothing",
  "ok pr-3: files after the repair pr-3-ddddddd",
  "ok comments that GitHub refused with 503 yes",
  "ok pr-3: what its comment named LEFT_BEHIND, arn:aws:s3:::pr-3-uploads",
  "ok pr-3: deployment while it was left failure",
  "ok stacks nothing",
  "ok files of previews nothing",
  "ok pr-1: events, each once and in order OPENED, PUSHED, CLOSED",
  "ok pr-1: comments of the App 1",
  "ok pr-2: events, each once and in order OPENED, SLEEP, WAKE, CLOSED",
  "ok pr-2: comments of the App 1",
  "ok pr-3: events, each once and in order OPENED, RETRY, CLOSED, CLOSED",
  "ok pr-3: comments of the App 1",
  "ok pr-1: its close was found by converge",
  "ok pr-1: deployments, one for each commit 2",
  "ok deployments that are active nothing",
  "ok checks that are not completed nothing",
];

/** The demo takes about 55 s alone, of which it waits for most. */
const LONGEST_MS = 240_000;

it("plays previews without Terraform, and leaves nothing", { timeout: LONGEST_MS + 10_000 }, () => {
  const temporary = mkdtempSync(join(root, "tmp-"));
  const env = { ...process.env, PATH: root, TMPDIR: temporary };

  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [main], {
    env,
    encoding: "utf8",
    timeout: LONGEST_MS,
  });

  expect(signal, `${stdout}${stderr}`).toBe(null);
  const lines = stdout.split("\n").filter((line) => /^ {2}(ok|FAIL) /.test(line));
  expect(
    lines.map((line) => line.trim().replace(/ {2,}/g, " ")),
    `${stdout}${stderr}`,
  ).toEqual(CHECKS);
  expect(status).toBe(0);
  expect(stdout).toContain("there is no `terraform` on the PATH");
  expect(readdirSync(temporary)).toEqual([]);
});
