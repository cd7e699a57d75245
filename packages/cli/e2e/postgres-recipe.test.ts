import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type PostgresServer, startPostgres } from "@stackyard/postgres-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execCli } from "./spawn-cli.ts";

// Runs the recipe of docs/operations.md unchanged, one terminal per piece. Replaced are only the address of the database, the
// port, and the installation of packages that are not published; the machine is the one that needs no Terraform.

const root = join(import.meta.dirname, "../../..");
const PAGE = readFileSync(join(root, "docs/operations.md"), "utf8");
const PIECES = [...PAGE.matchAll(/^```sh recipe\n(.*?)^```$/gms)].map(([, text = ""]) => text);

const folder = mkdtempSync(join(tmpdir(), "stackyard-recipe-"));
const cwd = join(folder, "review-app");
const terminals: ChildProcess[] = [];
let postgres: PostgresServer;
let port: number;

beforeAll(async () => {
  postgres = await startPostgres({ durable: false });
  port = await findFreePort();
  expect((await execCli(["init", "review-app"], { cwd: folder })).exitCode).toBe(0);
  cpSync(join(root, "examples/review-app/demo/machines/database-only.yaml"), join(cwd, "machines/review-app.yaml"));
  link(join(root, "packages/cli"), "node_modules/stackyard");
  link(join(root, "packages/store-postgres"), "node_modules/@stackyard/store-postgres");
  link(join(root, "packages/cli/bin/stackyard.js"), "node_modules/.bin/stackyard");
});

afterAll(async () => {
  for (const { pid, exitCode } of terminals) if (pid !== undefined && exitCode === null) process.kill(-pid, "SIGKILL");
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function link(target: string, path: string): void {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  symlinkSync(target, join(cwd, path));
}

/** Opens a terminal, in which nothing is set, and enters the piece. */
function enter(piece = ""): { readonly child: ChildProcess; readonly read: () => string } {
  const text = piece
    .replace(/^npm install .*$/m, "")
    .replace(/postgres:\/\/[^']+/, postgres.url)
    .replaceAll("7070", String(port));
  const { PATH = "", HOME = "" } = process.env;
  const env = { PATH: `${dirname(process.execPath)}${delimiter}${PATH}`, HOME, npm_config_update_notifier: "false" };
  const child = spawn("bash", ["-euo", "pipefail", "-c", text], { cwd, env, detached: true });
  terminals.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk));
  return { child, read: () => output };
}

/** Waits for a process that keeps running. */
async function untilPrinted({ child, read }: ReturnType<typeof enter>, pattern: RegExp): Promise<void> {
  while (!pattern.test(read())) {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}:\n${read()}`);
    await setTimeout(50);
  }
}

describe("the recipe for servers and workers on Postgres", () => {
  it("has a piece for each terminal", () => {
    expect(PIECES).toHaveLength(4);
  });

  it("works as written", async () => {
    const [setUp, server, worker, commands] = PIECES;

    const migration = enter(setUp);
    expect(await once(migration.child, "close"), migration.read()).toEqual([0, null]);
    // The server's piece continues in the same terminal.
    await untilPrinted(
      enter(`${/^export DATABASE_URL.*$/m.exec(setUp ?? "")?.[0]}\n${server}`),
      /http:\/\/127\.0\.0\.1/,
    );
    await untilPrinted(enter(worker), /worker/i);
    const last = enter(commands);

    expect(await once(last.child, "close"), last.read()).toEqual([0, null]);
    expect(last.read()).toMatch(/^pr-12 +review-app +LIVE/m);
  });
});
