/** Stops a process; one that has just ended needs no stop. */
function freeze(pid: number): void {
  try {
    process.kill(pid, "SIGSTOP");
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("ESRCH")) throw error;
  }
}

import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type SharedPostgres, sharePostgres } from "@stackyard/postgres-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, findState, type Listed, type StartedProcess, until } from "./postgres-yard.ts";
import { execCli, type SpawnedCli, spawnCli } from "./spawn-cli.ts";

function hasTerraform(): boolean {
  try {
    execFileSync("terraform", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("SKIPPED: the program terraform is not found, so no worker is frozen while it runs.");
    return false;
  }
}

const TOKEN = "a-token-of-the-end-to-end-test";
const KEY = "preview/pr-1/local/app";

const MACHINE = `
version: 2
events: [OPENED, PUSHED, CLOSED]
states:
  INIT: { on: { OPENED: ROLL-OUT } }
  ROLL-OUT: { leaving: wait, tasks: [app], on: { NEXT: LIVE, FAILED: BROKEN, CLOSED: CLEAN-UP } }
  LIVE: { on: { PUSHED: ROLL-OUT, CLOSED: CLEAN-UP } }
  BROKEN: { on: { PUSHED: ROLL-OUT, CLOSED: CLEAN-UP } }
  CLEAN-UP: { leaving: cancel, terminal: true, tasks: [destroy, leak-check], on: { FAILED: LEAKED } }
  LEAKED: { on: { CLOSED: CLEAN-UP } }
tasks:
  app: { executor: terraform, config: { action: apply, source: &app { type: local, location: app } } }
  destroy: { executor: terraform, config: { action: destroy, source: *app } }
  leak-check: { executor: leak-check, needs: [destroy], config: { regions: [] } }
`;

// Each creation makes a file of its own, then the run waits while there is a file "hold".
const MODULE = `
variable "folder" {}
resource "terraform_data" "file" {
  input = var.folder
  provisioner "local-exec" {
    command     = "touch $FOLDER/made/$ID"
    environment = { FOLDER = self.output, ID = self.id }
  }
  provisioner "local-exec" {
    when        = destroy
    command     = "rm $FOLDER/made/$ID"
    environment = { FOLDER = self.output, ID = self.id }
  }
}
resource "terraform_data" "gate" {
  depends_on = [terraform_data.file]
  provisioner "local-exec" { command = "while test -e \${var.folder}/hold; do sleep 0.1; done" }
}
`;

interface Unsaved {
  readonly attemptId: string;
  readonly host: string;
  readonly left?: { readonly file?: string; readonly resources: readonly { address: string; id?: string }[] };
}

/** Returns a process and all that it has started. */
function listTree(root: number): readonly number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): [number, number][] => {
      const stat = existsSync(`/proc/${name}/stat`) ? readFileSync(`/proc/${name}/stat`, "utf8") : "";
      return stat === "" ? [] : [[Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])]];
    });
  const childrenOf = (pid: number): number[] =>
    parents.flatMap(([child, parent]) => (parent === pid ? [child, ...childrenOf(child)] : []));
  return [root, ...childrenOf(root)];
}

async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe.skipIf(!hasTerraform())("a worker that is frozen in the middle of an apply [claudie#1286]", () => {
  const cwd = mkdtempSync(join(tmpdir(), "stackyard-e2e-"));
  const running: SpawnedCli[] = [];
  let postgres: SharedPostgres;
  let server: StartedProcess;
  let env: Record<string, string>;
  const start = async (words: readonly string[], more = {}): Promise<StartedProcess> => {
    const spawned = spawnCli([...words, "--json"], { cwd, env: { ...env, ...more } });
    running.push(spawned);
    return { ...spawned, ...JSON.parse(await spawned.line((line) => line.includes('"kind":"ready"'))) };
  };
  const startWorker = (name: string) => start(["worker"], { WORK_DIR: join(cwd, name) });
  const send = (event: string) => ask(server, "/v1/events", [{ stackId: "pr-1", event, machine: "preview" }]);
  const listMade = () => readdirSync(join(cwd, "made")).sort();
  const listUnsaved = async () => (await ask<Listed<Unsaved>>(server, "/v1/terraform/unsaved")).items;
  const inState = (state: string | undefined) => until(async () => (await findState(server, "pr-1")) === state);

  beforeAll(async () => {
    postgres = await sharePostgres();
    // Where the plugin is.
    symlinkSync(fileURLToPath(new URL("../../../node_modules", import.meta.url)), join(cwd, "node_modules"));
    const port = await findPort();
    for (const folder of ["machines", "app", "made"]) mkdirSync(join(cwd, folder));
    writeFileSync(join(cwd, "machines/preview.yaml"), MACHINE);
    writeFileSync(join(cwd, "app/main.tf"), MODULE);
    writeFileSync(
      join(cwd, "stackyard.config.mjs"),
      `export default {
        machines: "machines",
        store: { type: "postgres", schema: "frozen" },
        worker: { lease: "2s" },
        server: { port: ${port}, url: "http://127.0.0.1:${port}" },
        plugins: ["@stackyard/previews"],
        executors: { terraform: { workDir: process.env.WORK_DIR ?? "work", passEnvironment: ["TF_VAR_folder"] } },
      };`,
    );
    env = {
      DATABASE_URL: postgres.url,
      STACKYARD_API_TOKENS: `ada=${TOKEN}`,
      STACKYARD_TOKEN: TOKEN,
      STACKYARD_URL: `http://127.0.0.1:${port}`,
      TF_VAR_folder: cwd,
    };
    server = await start(["server"]);
  });

  afterAll(async () => {
    const isAlive = ({ child }: SpawnedCli) => child.exitCode === null && child.signalCode === null;
    for (const pid of running.filter(isAlive).flatMap(({ child }) => listTree(child.pid ?? 0)))
      process.kill(pid, "SIGKILL");
    await Promise.all(running.map(({ ended }) => ended));
    await postgres.stop();
    rmSync(cwd, { recursive: true, force: true });
  });

  it("leaves nothing that the yard does not name, and that cannot be removed by it", async () => {
    writeFileSync(join(cwd, "hold"), "");
    const frozen = await startWorker("first");
    await send("OPENED");
    await until(() => listMade().length === 1);
    const [first] = listMade();
    const tree = listTree(frozen.child.pid ?? 0);
    for (const pid of tree) freeze(pid);
    rmSync(join(cwd, "hold"));
    await startWorker("second");
    await inState("LIVE");
    const whileFrozen = await listUnsaved();

    for (const pid of tree.toReversed()) process.kill(pid, "SIGCONT");
    await until(async () => (await listUnsaved())[0]?.left !== undefined);
    const [unsaved] = await listUnsaved();
    await send("PUSHED");
    await inState("BROKEN");
    await send("CLOSED");
    await inState("LEAKED");
    const left = listMade();
    const pushed = await execCli(["states", "push", KEY], { cwd, env });
    await send("CLOSED");
    await inState(undefined);

    expect(whileFrozen).toMatchObject([{ host: hostname(), state: KEY, stackId: "pr-1" }]);
    expect(whileFrozen[0]?.left).toBeUndefined();
    expect(unsaved?.left?.resources).toContainEqual({ address: "terraform_data.file", id: left[0] });
    expect(existsSync(unsaved?.left?.file ?? "")).toBe(true);
    expect(left).toEqual([first]);
    expect(pushed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("is the newest one, as version") });
    expect([listMade(), await listUnsaved()]).toEqual([[], []]);
    const { items } = await ask<Listed<{ code?: string; message?: string }>>(
      server,
      "/v1/history?stackId=pr-1&limit=100",
    );
    const failures = items.map(({ code }) => code).filter((code) => code !== undefined);
    expect(new Set(failures)).toEqual(new Set(["TERRAFORM_STATE_NOT_SAVED", "LEFT_BEHIND"]));
  });
});
