import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { PostgresServer } from "@stackyard/postgres-server";
import { type SpawnedCli, spawnCli } from "./spawn-cli.ts";

/** A server or a worker that has reported that it is ready. */
export interface StartedProcess extends SpawnedCli {
  readonly id: string;
  /** The address of a server. */
  readonly url: string;
}

/** A page of the API. */
export interface Listed<Item> {
  readonly items: readonly Item[];
}

/** A project whose processes share a Postgres. */
export interface PostgresYard {
  readonly cwd: string;
  readonly schema: string;
  readonly env: Readonly<Record<string, string>>;
  start(...words: readonly string[]): Promise<StartedProcess>;
  /** Starts the program of another release next to this one. */
  startOther(program: string, ...words: readonly string[]): Promise<StartedProcess>;
  /** Kills what still runs, and removes the project. */
  end(): Promise<void>;
}

const TOKEN = "a-token-of-the-end-to-end-test";
let projects = 0;

/** The parts of a project. */
export interface PostgresYardInput {
  readonly postgres: PostgresServer;
  readonly files: Readonly<Record<string, string>>;
  readonly plugins?: readonly string[];
  /** Options of the store. */
  readonly options?: object;
}

/** Creates a project with these files and its own schema. */
export function makePostgresYard({ postgres, files, plugins = [], options = {} }: PostgresYardInput): PostgresYard {
  const cwd = mkdtempSync(join(tmpdir(), "stackyard-e2e-"));
  projects += 1;
  const schema = `yard_${projects}`;
  const store = { type: "postgres", schema, ...options };
  const settings = { store, worker: { lease: "2s" }, concurrency: 4, plugins };
  for (const [path, text] of Object.entries({ ...files, "stackyard.config.json": JSON.stringify(settings) })) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
  const env = { DATABASE_URL: postgres.url, STACKYARD_API_TOKENS: `ada=${TOKEN}`, STACKYARD_TOKEN: TOKEN };
  const running = new Set<SpawnedCli>();
  const follow = async (spawned: SpawnedCli): Promise<StartedProcess> => {
    running.add(spawned);
    const { id, url = "" } = JSON.parse(await spawned.line((line) => line.includes('"kind":"ready"')));
    return { ...spawned, id, url };
  };
  return {
    cwd,
    schema,
    env,
    start: (...words) => follow(spawnCli([...words, "--json"], { cwd, env })),
    startOther: (program, ...words) => follow(spawnCli([...words, "--json"], { cwd, env, bin: program })),
    async end() {
      for (const { child } of running) child.kill("SIGKILL");
      await Promise.all([...running].map(({ ended }) => ended));
      rmSync(cwd, { recursive: true, force: true });
    },
  };
}

/** Sends a request to a server: POST when there is a body, else GET. */
export async function ask<Answer>({ url }: StartedProcess, path: string, body?: unknown): Promise<Answer> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const response = await fetch(`${url}${path}`, { ...init, headers });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

/** Returns the state of a stack; undefined when it does not exist yet, or the server does not answer. */
export function findState(server: StartedProcess, stackId: string): Promise<string | undefined> {
  return ask<{ state: string }>(server, `/v1/stacks/${stackId}`).then(
    ({ state }) => state,
    () => undefined,
  );
}

/** Looks again and again. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(50);
}
