import { runProgram } from "./source-hooks.ts";

/** A machine that shows in the state of a stack how often it was toggled. */
const MACHINE = `
version: 1
events: [LAUNCH, TOGGLE]
states:
  INIT: { on: { LAUNCH: [{ action: advance, state: OFF }] } }
  OFF: { on: { TOGGLE: [{ action: advance, state: ON }] } }
  ON: { on: { TOGGLE: [{ action: advance, state: OFF }] } }
tasks: {}
`;

const PROGRAM = `
  import { silentLogger } from "@stackyard/core";
  import { createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
  import { parseMachine } from "@stackyard/core/machine";
  import { createServer } from "@stackyard/server";
  const [, token, place, source] = process.argv;
  const { machine, problems } = parseMachine(source, { name: "switch", executors: new Map() });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  async function openStore() {
    if (!place.startsWith("postgres:")) {
      const { createSqliteStore } = await import("@stackyard/store-sqlite");
      return createSqliteStore({ folder: place, logger: silentLogger });
    }
    const { createPostgresStore } = await import("@stackyard/store-postgres");
    return createPostgresStore({ connection: place, logger: silentLogger });
  }
  const store = await openStore();
  const locator = createStaticLocator([{ machine, source }]);
  const deps = { store, locator, executors: new Map(), clock: systemClock, ids: createUlids(), logger: silentLogger };
  startYard(deps);
  const server = createServer({ ...deps, version: "0.0.0" }, { port: 0, tokens: [{ name: "tester", token }] });
  console.log((await server.start()).url);`;

/** Engine, worker and server over a store, in one separate process. */
export interface YardProcess {
  readonly url: string;
  /** Kills the process immediately, as `kill -9` does. */
  kill(): Promise<void>;
}

/** Starts it over the store in this folder, or in the Postgres database at this address. */
export async function runYardProcess({
  token,
  place,
}: {
  readonly token: string;
  readonly place: string;
}): Promise<YardProcess> {
  const { child, ended, nextLine } = runProgram(PROGRAM, [token, place, MACHINE]);
  return {
    url: await nextLine(),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
