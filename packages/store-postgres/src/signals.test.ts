import { EventEmitter, getEventListeners } from "node:events";
import { silentLogger } from "@stackyard/core";
import { expect, it, vi } from "vitest";
import type { Connections } from "./database.ts";
import { listen } from "./signals.ts";

it("keeps nothing of connections that have ended", async () => {
  const added = vi.spyOn(AbortSignal.prototype, "addEventListener");
  const client = Object.assign(new EventEmitter(), { query: async () => undefined, end: async () => undefined });
  const connections: Pick<Connections, "connect"> = { connect: async () => client as never };
  let turns = 0;
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  const onConnected = () => {
    turns += 1;
    if (turns === 4) resolve();
    else client.emit("end");
  };

  const listening = listen({
    connections,
    channel: "c",
    logger: silentLogger,
    onMessage: () => undefined,
    onConnected,
  });
  await enough;

  const signals = [...new Set(added.mock.contexts)].filter((context) => context instanceof AbortSignal);
  expect(signals.map((signal) => getEventListeners(signal, "abort").length)).toEqual([1]);
  await listening.close();
  expect(signals.map((signal) => getEventListeners(signal, "abort").length)).toEqual([0]);
});
