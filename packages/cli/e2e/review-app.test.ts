// @module-tag app
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execCli, type SpawnedCli, spawnCli } from "./spawn-cli.ts";

function hasTerraform(): boolean {
  try {
    execFileSync("terraform", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("SKIPPED: the program terraform is not found, so the new project is not run.");
    return false;
  }
}

/** As in the shell of a company: what goes through a proxy cannot reach a yard on this machine. */
const env = {
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "",
  NODE_USE_ENV_PROXY: "1",
};

describe.skipIf(!hasTerraform())("a new project, from init to the removal of an environment", () => {
  const root = mkdtempSync(join(tmpdir(), "stackyard-e2e-"));
  const cwd = join(root, "project");
  const environments = join(root, "environments");
  let dev: SpawnedCli;

  beforeAll(async () => {
    expect(await execCli(["init", "project"], { cwd: root, env })).toMatchObject({ exitCode: 0 });
    dev = spawnCli(["dev", "--port", "0"], { cwd, env });
    await dev.line((line) => line.includes("Ctrl-C stops"));
  });

  afterAll(async () => {
    dev.child.kill("SIGKILL");
    await dev.ended;
    rmSync(root, { recursive: true, force: true });
  });

  const send = (event: string, ...rest: string[]) =>
    execCli(["send", "pr-12", event, "--timeout", "90s", ...rest], { cwd, env });

  it("is valid, strictly", async () => {
    expect(await execCli(["validate", "machines", "--strict"], { cwd, env })).toMatchObject({ exitCode: 0 });
  });

  it("makes an environment", async () => {
    const metadata = ["--metadata", "sha=9f1c", "--metadata", `folder=${environments}`];
    const { exitCode, stdout } = await send("OPENED", "--machine", "review-app", ...metadata, "--until", "LIVE");

    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("pr-12 is in LIVE.")]);
    expect(readdirSync(join(environments, "pr-12")).sort()).toEqual(["app.txt", "database.json", "network.txt"]);
  });

  it("rolls out again", async () => {
    const { exitCode } = await send("PUSHED", "--metadata", "sha=4be2", "--until", "LIVE");

    expect(exitCode).toBe(0);
    expect(readFileSync(join(environments, "pr-12/app.txt"), "utf8")).toBe("4be2\n");
  });

  it("shows the stack, and its history as valid JSON lines", async () => {
    const shown = await execCli(["stacks", "show", "pr-12"], { cwd, env });
    const history = await execCli(["stacks", "history", "pr-12", "--json"], { cwd, env });

    expect(shown.stdout).toMatch(/^pr-12\n.*\n[\s\S]*LIVE \(was ROLL-OUT\)/);
    const events = history.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    expect(events.filter((event) => event === "TASK_COMPLETED")).toHaveLength(4);
  });

  it("takes the environment down, and nothing is left", async () => {
    expect(await send("MERGED", "--until", "removed")).toMatchObject({ exitCode: 0 });

    expect(existsSync(join(environments, "pr-12"))).toBe(false);
    expect(await execCli(["stacks", "show", "pr-12"], { cwd, env })).toMatchObject({ exitCode: 1 });
  });

  it("ends with 0 on Ctrl-C, and removes the address", async () => {
    dev.child.kill("SIGINT");

    expect((await dev.ended).exitCode).toBe(0);
    expect(existsSync(join(cwd, ".stackyard/server.json"))).toBe(false);
    expect(await execCli(["stacks", "ls"], { cwd, env })).toMatchObject({ exitCode: 3 });
  });
});
