import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takeCoverage } from "node:v8";
import { type Clock, defineExecutor, type Store, silentLogger, succeeded } from "@stackyard/core";
import { createStaticLocator, createUlids, publishMessages, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { createServer } from "@stackyard/server";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { Type } from "typebox";

const SOURCE = JSON.stringify({
  version: 1,
  events: ["BEGIN"],
  states: {
    INIT: { on: { BEGIN: [{ action: "advance", state: "WORK" }] } },
    WORK: { tasks: ["work"], on: { NEXT: [{ action: "advance", state: "DONE" }] } },
    DONE: {},
  },
  tasks: { work: { executor: "no-op", config: {} } },
});

const TOKEN = "corridor-corridor-corridor-corridor";
const POLL_MS = 5;
const LIMIT_MS = 20_000;

/** Never wakes for time alone: on a busy machine, a sweep and a beat would run while the event does, and count as its own. */
const clock: Clock = {
  now: systemClock.now,
  sleep: (_, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) resolve();
      else signal?.addEventListener("abort", () => resolve(), { once: true });
    }),
};

/**
 * Sends one event to a yard on SQLite in this process, and waits until the result of its one task has been applied. Writes
 * coverage twice: what ran before the event, and what ran for it. One event goes before, so that nothing is counted that
 * happens once in a process.
 */
export async function runEvent(overHttp: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "stackyard-corridor-"));
  const store = await createSqliteStore({ folder });
  try {
    const { send, stop } = await startParts(store, overHttp);
    await send("first");
    await untilDone(store, "first");
    takeCoverage();
    await send("second");
    await untilDone(store, "second");
    takeCoverage();
    await stop();
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
  // What is written at the end of the process is not the event's.
  process.kill(process.pid, "SIGKILL");
}

async function startParts(store: Store, overHttp: boolean) {
  const executor = defineExecutor({ name: "no-op", config: Type.Object({}), start: async () => succeeded({}) });
  const executors = new Map([[executor.name, executor]]);
  const { machine } = parseMachine(SOURCE, { name: "corridor", executors });
  if (machine === undefined) throw new Error("The machine has errors.");
  const locator = createStaticLocator([{ machine, source: SOURCE }]);
  const deps = { store, locator, executors, clock, ids: createUlids(), logger: silentLogger };
  const yard = startYard(deps);
  const toMessage = (stackId: string) => ({ stackId, event: "BEGIN", machine: "corridor" });
  if (!overHttp) {
    return { send: (stackId: string) => publishMessages(deps, [toMessage(stackId)]), stop: () => yard.stop() };
  }
  const server = createServer({ ...deps, version: "0.0.0" }, { port: 0, tokens: [{ name: "corridor", token: TOKEN }] });
  const { url } = await server.start();
  return {
    async send(stackId: string) {
      const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
      const answer = await fetch(`${url}/v1/events`, {
        method: "POST",
        headers,
        body: JSON.stringify(toMessage(stackId)),
      });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}: ${await answer.text()}`);
    },
    async stop() {
      await server.stop();
      await yard.stop();
    },
  };
}

async function untilDone(store: Store, stackId: string): Promise<void> {
  const limitAt = Date.now() + LIMIT_MS;
  while (Date.now() < limitAt) {
    const [row] = await store.load([stackId]);
    if (row?.stack?.state === "DONE") return;
    await systemClock.sleep(POLL_MS);
  }
  throw new Error(`The stack "${stackId}" did not reach DONE within ${LIMIT_MS} ms.`);
}
