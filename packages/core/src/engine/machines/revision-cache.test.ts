import { type TSchema, Type } from "typebox";
import { describe, expect, it } from "vitest";
import type { ExecutorDefinition } from "../../machine/executor-definition.ts";
import { parseMachine } from "../../machine/parse-machine.ts";
import type { Revision } from "../../ports/locator.ts";
import { aMachine } from "../../testing/builders.ts";
import { createCompileRevision, createRevisionCache } from "./revision-cache.ts";

const revision: Revision = { name: "web", hash: "h1", source: "name: web" };

function createBench(kept: readonly Revision[] = []) {
  const store = new Map(kept.map((each) => [each.hash, each]));
  const places: number[] = [];
  const calls: string[] = [];
  const cache = createRevisionCache(
    {
      async put(each, now) {
        calls.push(`put ${each.hash}`);
        store.set(each.hash, each);
        places.push(now);
      },
      list: async () => ({
        items: places.toReversed().map((firstSeenAt) => ({ name: "web", hash: `${firstSeenAt}`, firstSeenAt })),
      }),
      async get(hash) {
        calls.push(`get ${hash}`);
        return store.get(hash);
      },
    },
    ({ name, hash, source }) => (source === "broken" ? undefined : aMachine({ INIT: {} }, { name, hash })),
    { now: () => 0 },
  );
  return { cache, calls, places };
}

describe("the revisions", () => {
  it("are compiled once", async () => {
    const { cache, calls } = createBench([revision]);

    const first = await cache.find("h1");
    const second = await cache.find("h1");

    expect(first?.hash).toBe("h1");
    expect(second).toBe(first);
    expect(calls).toEqual(["get h1"]);
  });

  it("are looked for again while they are not kept, or do not compile", async () => {
    const { cache, calls } = createBench([{ ...revision, source: "broken" }]);

    expect([await cache.find("h1"), await cache.find("h2"), await cache.find("h2")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(calls).toEqual(["get h1", "get h2", "get h2"]);
  });

  it("are kept once, before a stack refers to them, and only those that were offered", async () => {
    const { cache, calls } = createBench();
    cache.offer(revision);
    cache.offer({ ...revision, hash: "h2" });

    await cache.keep("h1");
    await cache.keep("h1");
    cache.offer(revision);
    await cache.keep("h1");
    await cache.keep("h3");

    expect(calls).toEqual(["put h1"]);
  });

  // patroni/patroni#1894, camunda/camunda#12623: a database may come back without its last commits.
  it("are kept again when the store may have lost them", async () => {
    const { cache, calls } = createBench([{ ...revision, hash: "h2" }]);
    cache.offer(revision);
    await cache.keep("h1");
    await cache.find("h2");

    cache.forget();
    await cache.keep("h1");
    await cache.keep("h2");

    expect(calls).toEqual(["put h1", "get h2", "put h1", "put h2"]);
  });

  it("have places of their own within a millisecond, and where a clock is behind", async () => {
    const { cache, places } = createBench();
    for (const hash of ["h1", "h2", "h3"]) {
      cache.offer({ ...revision, hash });
      await cache.keep(hash);
    }

    expect(places).toEqual([0, 1, 2]);
  });

  it("are offered again when they could not be kept", async () => {
    let failures = 1;
    const cache = createRevisionCache(
      {
        put: async () => {
          failures -= 1;
          if (failures >= 0) throw new Error("no disk");
        },
        get: async () => undefined,
        list: async () => ({ items: [] }),
      },
      () => undefined,
      { now: () => 0 },
    );
    cache.offer(revision);

    await expect(cache.keep("h1")).rejects.toThrow("no disk");
    await expect(cache.keep("h1")).resolves.toBeUndefined();
  });
});

/** Documents whose tasks were valid when their stacks began. */
const SOURCES = [
  `
version: 1
events: [BEGIN]
states:
  INIT: { on: { BEGIN: [{ action: advance, state: RUN }] } }
  RUN: { tasks: [work] }
tasks:
  work: { executor: work, config: { name: a } }
`,
  `
version: 2
events: [BEGIN]
metadata: { key: { sensitive: true } }
states:
  INIT: { on: { BEGIN: RUN } }
  RUN: { tasks: [work, other], on: { NEXT: DONE } }
  DONE: {}
tasks:
  work: { executor: work, config: { name: a } }
  other: { executor: work, config: { name: "\${metadata.key}" } }
`,
];

describe("a stored revision", () => {
  const config = (properties: Record<string, TSchema>) => Type.Object(properties, { additionalProperties: false });
  const one: ExecutorDefinition = { name: "work", config: config({ name: Type.String() }), resumable: true };
  const plugins: Readonly<Record<string, readonly ExecutorDefinition[]>> = {
    "is missing": [],
    "needs another key": [{ ...one, config: config({ name: Type.String(), region: Type.String() }) }],
    "no longer knows a key": [{ ...one, config: config({}) }],
    "has a schema that cannot be used": [{ ...one, config: config({ name: Type.String({ pattern: "(" }) }) }],
    "has no time limit for this config": [
      {
        ...one,
        timeout: () => {
          throw new Error("no region");
        },
      },
    ],
    "no longer takes secrets": [{ ...one, takesSecrets: false }],
    "refuses by its own check": [
      {
        ...one,
        checkConfig: (_, report) => report.error("work-old", [], "Old."),
      },
    ],
    "refuses the tasks together": [
      {
        ...one,
        checkTasks: (_, report) => report.error("work-both", { task: "work", path: [] }, "Both."),
      },
    ],
  };

  // The kinds of apache/incubator-kie-issues#2014 and danielgerlag/workflow-core#814: a definition changes under what runs.
  it.each(Object.entries(plugins))("compiles when the plugin of a task %s", (_what, executors) => {
    for (const source of SOURCES) {
      const { machine: first, problems } = parseMachine(source, { name: "app", executors: new Map([["work", one]]) });
      const hash = first?.hash ?? JSON.stringify(problems);
      const compile = createCompileRevision(new Map(executors.map((each) => [each.name, each])));

      const machine = compile({ name: "app", hash, source });

      expect(machine?.hash).toBe(hash);
    }
  });
});
