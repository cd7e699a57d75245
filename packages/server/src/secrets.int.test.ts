import { defineExecutor, failed, type Logger, succeeded } from "@stackyard/core";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SECRETS = ["hunter22-first", "hunter22-second", "hunter22-made", "hunter22-refused"] as const;

const SOURCE = `
version: 2
events: [LAUNCH, ROTATE, BREAK, FIX, DOWN]
metadata:
  password: { type: string, pattern: "^hunter22-(first|second)$", sensitive: true }
  token: { type: string, sensitive: true }
  url: { type: string }
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [create, use], on: { NEXT: IDLE } }
  IDLE: { on: { ROTATE: UP, BREAK: BROKEN, DOWN: GONE } }
  BROKEN: { tasks: [breaks], on: { FIX: IDLE } }
  GONE: { terminal: true }
tasks:
  create:
    executor: script
    config: { say: "creates with \${metadata.password}" }
    outputs: { token: key, url: url }
  use: { executor: script, needs: [create], config: { say: "uses \${tasks.create.outputs.key}" } }
  breaks: { executor: script, config: { fail: "\${metadata.token}" } }
`;

/** Says, logs, fails with and gives what it should not. */
const talkative = defineExecutor({
  name: "script",
  config: Type.Object({ say: Type.Optional(Type.String()), fail: Type.Optional(Type.String()) }),
  async start(ctx, { say = "nothing", fail }) {
    ctx.report(say);
    ctx.logger.info(`It says ${say}.`, { say, metadata: ctx.metadata });
    if (fail !== undefined) return failed({ code: "WRONG", message: `psql: wrong password ${fail}`, retryable: false });
    return succeeded({ key: "hunter22-made", url: "https://example.org", copy: say }, { sensitive: ["key"] });
  },
});

let yard: TestYard;
afterEach(() => yard.stop());

function createLog(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const add = (message: string, fields: unknown) => {
    lines.push(
      message,
      JSON.stringify(fields, (_, value) => (value instanceof Error ? String(value.stack) : value)) ?? "",
    );
  };
  return { logger: { debug: add, info: add, warn: add, error: add }, lines };
}

async function send(event: string, metadata?: object, stackId = "a"): Promise<void> {
  const id = `${event}-${stackId}-${Math.random()}`;
  await yard.call("/v1/events", { body: { id, event, stackId, machine: "review-app", ...(metadata && { metadata }) } });
  await expect
    .poll(async () => (await yard.json<{ items: unknown[] }>(`/v1/events/${id}/history`)).items.length)
    .toBe(1);
}

const stateIs = (state: string) =>
  expect
    .poll(async () => (await yard.json<{ state: string; tasks: { status: string }[] }>("/v1/stacks/a")).state)
    .toBe(state);

/** Every answer of the API that speaks of stacks, events or attempts. */
async function readAll(): Promise<string> {
  const { items } = await yard.json<{ items: { attemptId: string }[] }>("/v1/stacks/a/attempts");
  const paths = [
    ...[
      "/v1/stacks",
      "/v1/stacks?waiting=true",
      "/v1/stacks/a",
      "/v1/stacks/a/history",
      "/v1/history",
      "/v1/dead-letters",
    ],
    ...["/v1/stacks/a/attempts", "/v1/processes", "/v1/machines", "/v1/machines/review-app", "/v1/yard", "/metrics"],
    ...items.flatMap(({ attemptId }) => {
      const path = `/v1/attempts/${encodeURIComponent(attemptId)}`;
      return [path, `${path}/log`];
    }),
  ];
  const texts = await Promise.all(paths.map(async (path) => `${path}\n${await (await yard.call(path)).text()}`));
  const plan = await (await yard.call("/v1/stacks/a/upgrade", { body: { dryRun: true } })).text();
  const preview = await (
    await yard.call("/v1/stacks/a/simulate", { body: { event: "LAUNCH", metadata: { password: "hunter22-refused" } } })
  ).text();
  return [...texts, plan, preview].join("\n");
}

/** The history as server-sent events, as far as it is now. */
async function readStream(entries: number): Promise<string> {
  const response = await yard.call("/v1/watch?since=0");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (reader !== undefined && text.split("event: history").length <= entries)
    text += (await reader.read()).value ?? "";
  await reader?.cancel();
  return text;
}

describe("sensitive values", () => {
  it("are nowhere in what the API answers and the processes log", async () => {
    const { logger, lines } = createLog();
    yard = createTestYard({ source: SOURCE, executor: talkative, logger });
    yard.run();
    await send("LAUNCH", { password: "hunter22-first" });
    await stateIs("IDLE");
    await send("ROTATE", { password: "hunter22-second" });
    await stateIs("IDLE");
    // Refused by its value, parked, dead-lettered, and of an unknown machine.
    await send("ROTATE", { password: "hunter22-refused" });
    await send("LAUNCH", { token: "hunter22-refused", password: null });
    await send("UNHEARD", { password: "hunter22-refused" });
    const lost = { event: "LAUNCH", stackId: "b", machine: "none", metadata: { secret: "hunter22-refused" } };
    await yard.call("/v1/events", { body: lost });
    await yard.receive({ ...lost, id: "lost" });
    await send("BREAK");
    const isBroken = async () => (await yard.json<{ tasks: { status: string }[] }>("/v1/stacks/a")).tasks[0]?.status;
    await expect.poll(isBroken).toBe("ERROR");

    const shown = await readAll();
    const { items } = await yard.json<{ items: unknown[] }>("/v1/history");
    const streamed = await readStream(items.length);

    for (const secret of SECRETS) {
      expect(shown).not.toContain(secret);
      expect(streamed).not.toContain(secret);
      expect(lines.join("\n")).not.toContain(secret);
    }
    for (const code of ["METADATA_INVALID", "EVENT_NOT_HANDLED", "EVENT_UNDECLARED", "MACHINE_UNKNOWN"]) {
      expect(shown).toContain(code);
    }
    expect(shown).toContain('"password":"***"');
    expect(shown).toContain("wrong password ***");
    expect(shown).toContain("creates with ***");
    expect(streamed).toContain('"***"');
    const [loaded] = await yard.store.load(["a"]);
    expect(loaded?.stack?.metadata).toMatchObject({ password: "hunter22-second", token: "hunter22-made" });
  });
});
