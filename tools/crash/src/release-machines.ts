import { defineExecutor, type Executor, succeeded } from "@stackyard/core";
import { createStaticLocator } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import promotion from "@stackyard/promotion";
import { Type } from "typebox";

const BUILD_MS = 300;

const TENANT = `
version: 2
events: { OPENED: { metadata: [api] }, RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states:
  INIT: { on: { OPENED: LIVE } }
  BUILD: { tasks: [build], on: { NEXT: LIVE } }
  LIVE: { on: { RELEASED: BUILD } }
tasks:
  build: { executor: build, config: {} }
`;

const toRelease = (concurrency: number) => `
version: 2
events: { RELEASED: { metadata: [api] }, ROLLBACK: {} }
metadata: { api: { type: string } }
states:
  INIT: { on: { RELEASED: GO } }
  GO: { tasks: [tenants], on: { NEXT: DONE } }
  DONE: { on: { ROLLBACK: BACK } }
  BACK: { tasks: [undo], on: { NEXT: UNDONE } }
  UNDONE: {}
tasks:
  tenants:
    executor: deploy
    config:
      stacks: { machine: tenant }
      event: RELEASED
      metadata: { api: "\${metadata.api}" }
      until: [LIVE]
      waves: [{ name: first, share: 10% }, { name: rest }]
      concurrency: ${concurrency}
  undo: { executor: deploy, config: { op: undo, of: tenants } }
`;

/**
 * Returns the machines of a release to tenants, so many at a time, and the executors of their tasks, for a yard in a
 * process.
 */
export function createReleaseMachines(concurrency: number) {
  const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };
  const list = [...promotion.executors({}, context), createBuildExecutor()];
  const executors = new Map(list.map((executor) => [executor.name, executor]));
  const located = Object.entries({ tenant: TENANT, shop: toRelease(concurrency) }).map(([name, source]) => {
    const { machine, problems } = parseMachine(source, { name, executors });
    if (machine === undefined) throw new Error(`The machine has problems: ${JSON.stringify(problems)}`);
    return { machine, source };
  });
  return { executors, locator: createStaticLocator(located) };
}

function createBuildExecutor(): Executor {
  return defineExecutor({
    name: "build",
    config: Type.Object({}),
    async start(ctx) {
      await ctx.clock.sleep(BUILD_MS);
      return succeeded({});
    },
  });
}
