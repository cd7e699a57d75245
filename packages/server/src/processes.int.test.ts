import { silentLogger } from "@stackyard/core";
import { createUlids, startYard } from "@stackyard/core/engine";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

let yard: TestYard;
afterEach(() => yard.stop());

interface Listed {
  readonly items: readonly { readonly id: string; readonly seenAt: string }[];
  readonly cursor?: string;
}

function startProcess(version: string, role: "engine" | "worker") {
  const { store, locator, clock } = yard;
  const deps = { store, locator, clock, executors: new Map(), ids: createUlids(), logger: silentLogger };
  return startYard(deps, { roles: [role], process: { version, host: "blue", pid: 7, url: "http://blue:7070" } });
}

const list = (query = "") => yard.json<Listed>(`/v1/processes${query}`);

describe("GET /v1/processes", () => {
  it("lists who works for the yard, in pages, until they have stopped", async () => {
    yard = createTestYard();
    const empty = await list();
    const engine = startProcess("0.2.0", "engine");
    // Ids of two processes have an order only when they start in different milliseconds.
    await expect.poll(async () => (await list()).items.length).toBe(1);
    const worker = startProcess("0.1.0", "worker");
    await expect.poll(async () => (await list()).items.length).toBe(2);

    const first = await list("?limit=1");
    const second = await list(`?limit=1&cursor=${first.cursor}`);
    await Promise.all([engine.stop(), worker.stop()]);

    const facts = {
      host: "blue",
      pid: 7,
      url: "http://blue:7070",
      executors: [],
      running: 0,
      draining: false,
      gone: false,
    };
    const instants = { startedAt: expect.stringMatching(/Z$/), seenAt: expect.stringMatching(/Z$/) };
    expect(empty).toEqual({ items: [] });
    expect(first.items).toEqual([
      { ...facts, ...instants, id: engine.id, roles: ["engine"], version: "0.2.0", capacity: 0 },
    ]);
    expect(second.items).toEqual([
      { ...facts, ...instants, id: worker.id, roles: ["worker"], version: "0.1.0", capacity: 8 },
    ]);
    expect(await list()).toEqual({ items: [] });
  });

  it("lists a process without heartbeats as gone", async () => {
    yard = createTestYard();
    const engine = startProcess("0.2.0", "engine");
    await expect.poll(async () => (await list()).items.length).toBe(1);

    yard.advance(20_000);
    const later = await list();
    const metrics = await (await yard.call("/metrics")).text();
    await engine.stop();

    expect(later.items).toMatchObject([{ id: engine.id, gone: true }]);
    expect(metrics).not.toContain('stackyard_processes{role="engine"');
  });
});
