import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it, vi } from "vitest";
import { readDocSnippets } from "../doc-snippets.ts";
import { repositoryRoot } from "../published-packages.ts";

// Plays docs/leaving.md with two environments of the template, one of which has an id that no path may contain. What the page leaves
// is a state in another backend, whose plan has no changes.

const PAGE = "docs/leaving.md";
const bin = join(repositoryRoot, "packages/cli/dist/bin.js");
const folder = mkdtempSync(join(tmpdir(), "stackyard-leaving-"));
const project = join(folder, "review-app");
const SHELL = `stackyard() { "${process.execPath}" "${bin}" "$@"; }\nset -euo pipefail\n`;
const snippets = readDocSnippets(PAGE, readFileSync(join(repositoryRoot, PAGE), "utf8"));
const has = (program: string) => spawnSync(program, ["--version"]).status === 0;

let dev: ChildProcess | undefined;

/** Runs a script as a reader of the project would; rejects when a line of it fails. */
async function run(script: string): Promise<string> {
  const { stdout } = await promisify(execFile)("bash", ["-c", SHELL + script], { cwd: project });
  return stdout;
}

async function startYard(): Promise<string> {
  let output = "";
  const started = spawn(process.execPath, [bin, "dev", "--port", "0", "--json"], { cwd: project });
  dev = started;
  started.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  await vi.waitUntil(() => output.includes("\n"), { timeout: 60_000 });
  return new URL(JSON.parse(output.split("\n")[0] ?? "").url).port;
}

describe.runIf(["terraform", "jq", "curl"].every(has))("docs/leaving.md (skipped without its programs)", () => {
  afterAll(() => {
    dev?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it("ends with the states in another backend, planned without changes, and with all environments alive", {
    timeout: 240_000,
  }, async () => {
    spawnSync(process.execPath, [bin, "init", project]);
    const port = await startYard();
    for (const id of ["pr-12", "team/pr 7%"])
      await run(
        `stackyard send '${id}' OPENED --machine review-app\nstackyard send '${id}' PUSHED --metadata sha=abc1234`,
      );
    const isLive = async () => {
      const stacks = await run("stackyard stacks ls --json");
      return stacks.match(/"state":"LIVE"/g)?.length === 2 && stacks.match(/"sha":"abc1234"/g)?.length === 2;
    };
    await vi.waitUntil(isLive, { timeout: 120_000, interval: 500 });
    const pieces = snippets.filter(({ language }) => language === "sh");

    const printed = await run(pieces.map(({ text }) => text.replaceAll("7070", port)).join("\n"));

    expect(pieces.filter(({ note }) => note !== "play")).toEqual([]);
    const listed = snippets.find(({ text }) => text.startsWith("review-app%2F"))?.text.trimEnd() ?? "nothing";
    expect(printed).toContain(listed);
    expect(printed).toContain("review-app%2Fteam%252Fpr%20");
    expect(printed).toContain("No changes.");
    expect(await run("stackyard stacks ls --json")).toBe("");
    expect(existsSync(join(project, "environments/pr-12/app.txt"))).toBe(true);
    expect(existsSync(join(project, "environments/pr-12/network.txt"))).toBe(true);
  });
});
