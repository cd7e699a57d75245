// @module-tag app
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { execCli, spawnCli } from "./spawn-cli.ts";

const MODULES = join(import.meta.dirname, "../../../node_modules");

function hasTerraform(): boolean {
  try {
    execFileSync("terraform", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("SKIPPED: the program terraform is not found, so the templates are not played.");
    return false;
  }
}

interface Step {
  /** The state that the stack must be in before. */
  readonly awaits?: { readonly stack: string; readonly state: string };
  readonly words: readonly string[];
  /** What `app.txt`, or the file that the step names, contains then. */
  readonly file?: { readonly path: string; readonly text: RegExp };
}

const send = (...words: readonly string[]): Step => ({ words: ["send", ...words, "--timeout", "120s"] });
const approve = (stack: string): Step => ({
  words: ["stacks", "settle", stack, "sign-off", "--reason", "played", "--approval"],
});
const until = (stack: string, event: string, file: Step["file"], ...words: readonly string[]): Step => ({
  ...send(stack, event, ...words, "--until", "LIVE"),
  ...(file && { file }),
});

async function stateOf(stack: string, cwd: string): Promise<unknown> {
  const { stdout } = await execCli(["stacks", "show", stack, "--json"], { cwd });
  return JSON.parse(stdout).state;
}

async function play({ words, file, awaits }: Step, cwd: string): Promise<void> {
  while (awaits !== undefined && (await stateOf(awaits.stack, cwd)) !== awaits.state) await setTimeout(100);
  const { exitCode, stdout, stderr } = await execCli(words, { cwd });
  expect([words, exitCode, exitCode === 0 ? "" : stdout + stderr]).toEqual([words, 0, ""]);
  if (file !== undefined) expect(readFileSync(join(cwd, "environments", file.path), "utf8")).toMatch(file.text);
}

/** The steps of each README, but a person approves there in the console. */
const PLAYS: Readonly<
  Record<string, { readonly groups?: string; readonly folder: string; readonly steps: readonly Step[] }>
> = {
  minimal: {
    folder: "one.txt",
    steps: [
      until("one", "OPENED", { path: "one.txt", text: /^hello$/m }, "--machine", "environment"),
      until("one", "CHANGED", { path: "one.txt", text: /^bye$/m }, "--metadata", "text=bye"),
      send("one", "CLOSED", "--until", "removed"),
    ],
  },
  staging: {
    groups: "release-managers",
    folder: "staging-web",
    steps: [
      until(
        "staging-web",
        "OPENED",
        { path: "staging-web/app.txt", text: /^1\.0 file:.*database\.txt [0-9a-f]{8}$/m },
        "--machine",
        "staging",
        "--metadata",
        "app_version=1.0",
      ),
      send("staging-web", "RELEASED", "--metadata", "app_version=1.1", "--until", "REVIEW"),
      approve("staging-web"),
      { ...send("staging-web", "CLOSED", "--until", "removed"), awaits: { stack: "staging-web", state: "LIVE" } },
    ],
  },
  sandbox: {
    groups: "sales",
    folder: "acme",
    steps: [
      send("acme", "ORDERED", "--machine", "sandbox", "--metadata", "customer=acme", "--until", "ORDER"),
      approve("acme"),
      {
        ...until(
          "acme",
          "UPDATED",
          { path: "acme/app.txt", text: /^1\.1 file:.*database\.txt [0-9a-f]{8}$/m },
          "--metadata",
          "app_version=1.1",
        ),
        awaits: { stack: "acme", state: "LIVE" },
      },
      send("acme", "ENDED", "--confirm", "acme", "--until", "removed"),
    ],
  },
  promotion: {
    groups: "release-managers",
    folder: "shop-production",
    steps: [
      send("shop-1.0.0", "RELEASED", "--machine", "shop-release", "--metadata", "api=1.0.0", "--until", "REVIEW"),
      approve("shop-1.0.0"),
      {
        ...send("shop-1.1.0", "RELEASED", "--machine", "shop-release", "--metadata", "api=1.1.0", "--until", "REVIEW"),
        awaits: { stack: "shop-1.0.0", state: "DONE" },
        file: { path: "shop-production/app.txt", text: /^1\.0\.0$/m },
      },
      { words: ["deploys", "show", "shop-1.1.0"], file: { path: "shop-staging/app.txt", text: /^1\.1\.0$/m } },
      send("shop-1.1.0", "STOP", "--until", "STOPPED"),
      send("shop-1.1.0", "AGAIN", "--until", "REVIEW"),
      approve("shop-1.1.0"),
      {
        ...send("shop-1.1.0", "ROLLBACK", "--until", "STOPPED"),
        awaits: { stack: "shop-1.1.0", state: "DONE" },
        file: { path: "shop-production/app.txt", text: /^1\.0\.0$/m },
      },
      send("shop-production", "CLOSED", "--until", "removed"),
      send("shop-staging", "CLOSED", "--until", "removed"),
    ],
  },
  previews: {
    groups: "reviewers",
    folder: "shop-pr-1",
    steps: [
      until(
        "shop-pr-1",
        "OPENED",
        { path: "shop-pr-1/app.txt", text: /^9f1c$/m },
        "--machine",
        "preview",
        "--metadata",
        "sha=9f1c",
      ),
      send("shop-pr-1", "SLEEP", "--wait"),
      until("shop-pr-1", "WAKE", { path: "shop-pr-1/app.txt", text: /^9f1c$/m }),
      send("shop-pr-1", "CLOSED", "--until", "removed"),
    ],
  },
};

describe.skipIf(!hasTerraform())("a project of the template", () => {
  const root = mkdtempSync(join(tmpdir(), "stackyard-templates-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it.each(Object.entries(PLAYS))(
    "%s runs as its README says, and nothing is left",
    async (name, { groups, folder, steps }) => {
      const cwd = mkdtempSync(join(root, `${name}-`));
      expect(await execCli(["init", "--template", name], { cwd })).toMatchObject({ exitCode: 0 });
      // In place of `npm install`: the packages of this clone.
      symlinkSync(MODULES, join(cwd, "node_modules"));
      expect(await execCli(["validate", "machines", "--strict"], { cwd })).toMatchObject({ exitCode: 0 });
      const dev = spawnCli(["dev", "--port", "0", ...(groups === undefined ? [] : ["--groups", groups])], { cwd });
      try {
        await dev.line((line) => line.includes("Ctrl-C stops"));
        for (const step of steps) await play(step, cwd);
        expect(existsSync(join(cwd, "environments", folder))).toBe(false);
      } finally {
        dev.child.kill("SIGINT");
        await dev.ended;
      }
    },
    300_000,
  );
});
