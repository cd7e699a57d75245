import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defineExecutor, failed, silentLogger } from "@stackyard/core";
import { createFolderLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { createServer } from "@stackyard/server";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { Type } from "typebox";

/** A yard with a server on the loopback, whose data tries to become more than text in a browser. */
export interface HostileYard {
  readonly url: string;
  /** The stack whose task failed, and the attempt of that task. */
  readonly stackId: string;
  readonly attemptId: string;
  /** Returns an address at which a browser signs in, once. */
  findSignIn(): Promise<string>;
  stop(): Promise<void>;
}

const TOKEN = "a-token-of-the-console-tests";
const MARKUP = `<img src="https://evil.example/x.png" onerror="window.hacked=1"><script>window.hacked=1</script>`;
const HOSTILE = `${MARKUP} javascript:alert(1) \u202egnp.exe \u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007 __proto__ ../../etc`;
const STACK = "pr-12/../%2e<img onerror=x>";

const MACHINE = `
version: 2
description: ${JSON.stringify(HOSTILE)}
events: { LAUNCH: {}, DEPLOY: {} }
metadata: { note: { type: string }, link: { type: string } }
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [create, sign-off], on: { NEXT: IDLE } }
  IDLE: { on: { DEPLOY: UP } }
tasks:
  create: { executor: script, config: {} }
  sign-off: { executor: approval, config: { from: [release-managers] } }
`;

/** Fails with hostile texts in its log and its error. */
const script = defineExecutor({
  name: "script",
  config: Type.Object({}),
  async start(ctx) {
    ctx.report(HOSTILE);
    ctx.report("\u001b[31mred\u001b[0m and \u001b[2J cleared");
    return failed({ code: "BROKEN", message: HOSTILE, retryable: false });
  },
});

/** Executors of the examples' machines, which no stack of this yard reaches. */
const others = ["delay", "ecs", "lambda", "runner", "terraform"].map((name) =>
  defineExecutor({
    name,
    config: Type.Object({}),
    start: async () => failed({ code: "X", message: "x", retryable: false }),
  }),
);

/** Starts one on SQLite with the machines of the examples, and waits until a task has failed and an approval waits. */
export async function startHostileYard(): Promise<HostileYard> {
  const folder = mkdtempSync(join(tmpdir(), "stackyard-console-"));
  const machines = join(folder, "machines");
  mkdirSync(machines);
  const examples = join(import.meta.dirname, "../../../examples");
  for (const file of globSync("*/machines/*.{yml,yaml}", { cwd: examples })) {
    cpSync(join(examples, file), join(machines, `${file.split("/")[0]}-${basename(file)}`));
  }
  writeFileSync(join(machines, "hostile.yaml"), MACHINE);
  const executors = new Map([script, ...others].map((each) => [each.name, each]));
  const locator = createFolderLocator({ folder: machines, executors, clock: systemClock });
  const store = await createSqliteStore({ folder: join(folder, "data") });
  const deps = { store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger };
  const server = createServer(
    { ...deps, version: "0.0.0-test" },
    { port: 0, tokens: [{ name: MARKUP, token: TOKEN }], local: { name: "ada" } },
  );
  const { url } = await server.start();
  const yard = startYard(deps);
  const call = async <Answer>(path: string, body?: unknown): Promise<Answer> => {
    const answer = await fetch(url + path, {
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Answer;
  };
  const metadata = { note: HOSTILE, link: "javascript:alert(1)" };
  await call("/v1/events", { event: "LAUNCH", stackId: STACK, machine: "hostile", metadata });
  await call("/v1/events", {
    event: "UNKNOWN",
    stackId: STACK,
    machine: "hostile",
    metadata: { constructor: HOSTILE },
  });
  const path = `/v1/stacks/${encodeURIComponent(STACK)}`;
  type Attempts = { readonly items: readonly { readonly attemptId: string; readonly outcome?: string }[] };
  let attemptId: string | undefined;
  while (attemptId === undefined) {
    await sleep(50);
    const { items } = await call<Attempts>(`${path}/attempts`);
    attemptId = items.find(({ outcome }) => outcome === "failed")?.attemptId;
  }
  return {
    url,
    stackId: STACK,
    attemptId,
    async findSignIn() {
      return (await call<{ readonly url: string }>("/auth/local", {})).url;
    },
    async stop() {
      await server.stop();
      await yard.stop();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
