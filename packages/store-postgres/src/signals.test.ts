import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter, getEventListeners } from "node:events";
import { silentLogger } from "@stackyard/core";
import { expect, it, vi } from "vitest";
import type { Connections } from "./database.ts";
import { listen } from "./signals.ts";

it("keeps nothing of connections that have ended", async () => {
  const signals = new Set<AbortSignal>();
  // What other files of the process have left running listens to signals too.
  const own = new AsyncLocalStorage<Set<AbortSignal>>();
  const add = AbortSignal.prototype.addEventListener;
  vi.spyOn(AbortSignal.prototype, "addEventListener").mockImplementation(function (this: AbortSignal, ...given) {
    own.getStore()?.add(this);
    add.apply(this, given);
  });
  const client = Object.assign(new EventEmitter(), { query: async () => ({ rows: [] }), end: async () => undefined });
  const connections: Pick<Connections, "connect"> = { connect: async () => client as never };
  let turns = 0;
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const onConnected = () => {
    turns += 1;
    if (turns === 4) resolve();
    else client.emit("end");
  };

  const listening = own.run(signals, () =>
    listen({ connections, channel: "c", logger: silentLogger, onMessage: () => undefined, onConnected }),
  );
  await enough;

  const count = () => [...signals].reduce((sum, signal) => sum + getEventListeners(signal, "abort").length, 0);
  expect(signals.size).toBeGreaterThan(1);
  // One that ends everything, and one of the pause before the next check.
  expect(count()).toBeLessThanOrEqual(2);
  await listening.close();
  expect(count()).toBe(0);
});

/** A server that answers the check for a standby with these answers, one after the other; then never. */
function aServer(answers: readonly boolean[]) {
  const left = [...answers];
  const query = async (text: string) => {
    if (!text.includes("pg_is_in_recovery")) return { rows: [] };
    const standby = left.shift();
    return standby === undefined ? new Promise<never>(() => undefined) : { rows: [{ standby }] };
  };
  return Object.assign(new EventEmitter(), { query, end: async () => undefined });
}

it.each([
  ["is a standby now [graphile-worker#449, graphile-worker#541, pgbus#237]", [false, false, true]],
  ["does not answer any more [pg-boss#850]", [false, false]],
])("listens elsewhere when its server %s", async (_, answers) => {
  const servers = [aServer(answers), aServer([true]), aServer([false])];
  let connected = 0;
  const { promise: moved, resolve } = Promise.withResolvers<void>();

  const listening = listen({
    connections: { connect: async () => servers.shift() as never },
    channel: "c",
    logger: silentLogger,
    onMessage: () => undefined,
    onConnected: () => {
      connected += 1;
      if (connected === 2) resolve();
    },
    checkEveryMs: 5,
  });
  await moved;

  // The second one was a standby already, and was left at once.
  expect([connected, servers.length]).toEqual([2, 0]);
  await listening.close();
});
