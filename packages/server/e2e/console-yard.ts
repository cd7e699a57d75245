import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CUSTOM_RESOURCE_RUNS, defined, type Executor, silentLogger } from "@stackyard/core";
import type { Grant } from "@stackyard/core/access";
import type { CustomResourceRun } from "@stackyard/core/api";
import {
  createFolderLocator,
  createMachineSources,
  createMemoryStore,
  createUlids,
  startYard,
  systemClock,
} from "@stackyard/core/engine";
import { type ArtifactsClient, createServer } from "@stackyard/server";
import { createSqliteStore } from "@stackyard/store-sqlite";

/** A yard on SQLite with a server on the loopback, for a browser. */
export interface ConsoleYard {
  readonly url: string;
  /** Calls the API with a token; with a body, the default method is POST. Throws on unsuccessful responses. */
  call<Answer>(path: string, body?: unknown, method?: string): Promise<Answer>;
  /** Returns an address at which a browser signs in, once. */
  findSignIn(): Promise<string>;
  /** Stops the server; the yard keeps running. `startServer` starts another one at the same address. */
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
  stop(): Promise<void>;
}

interface ConsoleYardInput {
  readonly executors: readonly Executor[];
  /** The role of the token. */
  readonly name?: string;
  /** Writes the documents of machines into the folder. */
  readonly addMachines: (folder: string) => void;
  readonly artifacts?: ArtifactsClient;
  /** Requests of CloudFormation, as their function has recorded them. */
  readonly customResources?: readonly CustomResourceRun[];
  /** Default: everyone may do everything but reveal secrets. */
  readonly grants?: readonly Grant[];
}

const TOKEN = "a-token-of-the-console-tests";

export async function startConsoleYard({
  executors,
  name = "tests",
  addMachines,
  artifacts,
  customResources = [],
  grants,
}: ConsoleYardInput): Promise<ConsoleYard> {
  const folder = mkdtempSync(join(tmpdir(), "stackyard-console-"));
  const machines = join(folder, "machines");
  mkdirSync(machines);
  addMachines(machines);
  const byName = new Map(executors.map((each) => [each.name, each]));
  const locator = createFolderLocator({ folder: machines, executors: byName, clock: systemClock });
  const store = await createSqliteStore({ folder: join(folder, "data") });
  const sources = createMachineSources({ folder: machines, executors: byName });
  const { records } = createMemoryStore();
  for (const run of customResources) {
    await records.put({ key: `${CUSTOM_RESOURCE_RUNS}${run.id}`, value: run, expected: "absent", now: Date.now() });
  }
  const deps = {
    store,
    locator,
    sources,
    executors: byName,
    clock: systemClock,
    ids: createUlids(),
    logger: silentLogger,
  };
  const createOne = (port: number) =>
    createServer(
      { ...deps, version: "0.0.0-test", artifacts, customResources: records },
      {
        port,
        tokens: [{ name, token: TOKEN }],
        local: { name: "ada", groups: ["release-managers"] },
        ...defined({ access: grants && { grants: [...grants] } }),
      },
    );
  let server = createOne(0);
  const { url } = await server.start();
  const yard = startYard(deps, { process: { version: "0.0.0-test", host: "console-tests" } });
  const call = async <Answer>(path: string, body?: unknown, method = "POST"): Promise<Answer> => {
    const answer = await fetch(url + path, {
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      ...(body !== undefined && { method, body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    const text = await answer.text();
    return (text === "" ? undefined : JSON.parse(text)) as Answer;
  };
  return {
    url,
    call,
    findSignIn: async () => (await call<{ readonly url: string }>("/auth/local", {})).url,
    stopServer: () => server.stop(),
    async startServer() {
      server = createOne(Number(new URL(url).port));
      await server.start();
    },
    async stop() {
      await server.stop();
      await yard.stop();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
