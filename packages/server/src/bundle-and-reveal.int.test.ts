import { defineExecutor, StackyardError, succeeded } from "@stackyard/core";
import type { Grant } from "@stackyard/core/access";
import { Type } from "typebox";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ServerOptions } from "./server-options.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SECRET = "hunter22-first";

const SOURCE = `
version: 2
events: [LAUNCH, ROTATE, DOWN]
metadata:
  password: { type: string, sensitive: true }
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [create], on: { NEXT: IDLE } }
  IDLE: { on: { ROTATE: UP, DOWN: GONE } }
  GONE: { terminal: true }
tasks:
  create: { executor: script, config: { say: "creates with \${metadata.password}" } }
`;

const executor = defineExecutor({
  name: "script",
  config: Type.Object({ say: Type.String() }),
  async start(ctx, { say }) {
    ctx.report(say);
    return succeeded({});
  },
});

let yard: TestYard;
afterEach(() => yard.stop());

type Answer = Readonly<Record<string, unknown>>;

async function start(
  also: readonly "secrets:read"[] = [],
  options: Pick<ServerOptions, "console"> = {},
  scope: Pick<Grant, "machines"> = {},
): Promise<void> {
  const grants: Grant[] = [{ to: { token: "tester" }, role: "admin", also: [...also], ...scope }];
  yard = createTestYard({ source: SOURCE, executor, access: { grants }, ...options });
  yard.run();
  const launch = { event: "LAUNCH", stackId: "a", machine: "review-app", metadata: { password: SECRET, size: 3 } };
  await yard.call("/v1/events", { body: launch });
  await expect.poll(async () => (await yard.json<Answer>("/v1/stacks/a"))["state"]).toBe("IDLE");
}

/** A console that has only the page of an incident. */
const PAGE = '<!doctype html><script type="application/json" id="bundle">__BUNDLE__</script>';
const withPage: Pick<ServerOptions, "console"> = {
  console: {
    paths: [],
    find: (path) =>
      path === "/incident.html"
        ? { contentType: "text/html", immutable: false, encodings: [], read: () => new TextEncoder().encode(PAGE) }
        : undefined,
  },
};

const listAudited = async () => {
  const { items } = await yard.store.records.list("audit/pending/", { limit: 100, now: Date.now() });
  return items.map(({ value }) => value as Answer);
};

describe("GET /v1/stacks/{id}/bundle", () => {
  it("has everything about a stack, masked, and is recorded", async () => {
    await start();
    await yard.call("/v1/events", { body: { event: "ROTATE", stackId: "a", metadata: { password: 7 } } });
    await yard.call("/v1/events", { body: { event: "LAUNCH", stackId: "a", metadata: { password: `${SECRET}-2` } } });
    await expect
      .poll(async () => ((await yard.json<{ parked?: unknown[] }>("/v1/stacks/a")).parked ?? []).length)
      .toBe(1);

    const response = await yard.call("/v1/stacks/a/bundle");
    const text = await response.text();

    expect(response.headers.get("content-disposition")).toBe('attachment; filename="stackyard-a.json"');
    expect(text).not.toContain(SECRET);
    expect(JSON.parse(text)).toMatchObject({
      format: 1,
      stackId: "a",
      stack: { id: "a", state: "IDLE", metadata: { password: "***", size: 3 } },
      graph: { nodes: expect.arrayContaining([expect.objectContaining({ kind: "state", id: "IDLE" })]) },
      attempts: [{ task: "create", log: "creates with ***" }],
      parked: [{ event: "LAUNCH", message: { metadata: { password: "***" } } }],
      processes: [{ version: "0.0.0-test" }],
      history: expect.arrayContaining([expect.objectContaining({ event: "LAUNCH", outcome: "applied" })]),
      revisions: [{ name: "review-app", source: SOURCE }],
      cut: [],
    });
    expect(await listAudited()).toContainEqual(
      expect.objectContaining({ action: "getStackBundle", outcome: "done", on: { stackId: "a" } }),
    );
  });

  it("is there for a removed stack, and STACK_UNKNOWN where nothing ever was", async () => {
    await start();
    await yard.call("/v1/stacks/a/remove", { body: { force: true, reason: "r" } });

    const bundle = await yard.json<Answer>("/v1/stacks/a/bundle");

    expect(bundle).toMatchObject({ stack: null, cut: [] });
    expect(await yard.json("/v1/stacks/none/bundle")).toMatchObject({ status: 404, code: "STACK_UNKNOWN" });
  });

  it("holds the newest 10,000 lines of the history and says that it was cut", async () => {
    await start();
    const empty = { appliedIds: [], park: [], unpark: [], deadLetters: [], dispatches: [], cancels: [] };
    const line = { stackId: "b", at: 1, event: "E", outcome: "applied", sent: [], notes: [] } as const;
    const history = Array.from({ length: 10_500 }, (_, n) => ({ ...line, eventId: `e${n}` }));
    const rest = { endedAttempts: [], receipts: [], now: 1, expectedVersion: 0, write: { kind: "keep" } as const };
    await yard.store.commit([{ ...empty, ...rest, stackId: "b", history }]);

    const bundle = await yard.json<{ history: Answer[]; cut: string[] }>("/v1/stacks/b/bundle");

    expect([bundle.history.length, bundle.history[0]?.["eventId"], bundle.cut]).toEqual([
      10_000,
      "e10499",
      ["history"],
    ]);
  });

  it("is a page that contains the document with `as=page`, in which no text is markup", async () => {
    await start([], withPage);
    const path = "/v1/stacks/a/bundle?as=page";
    const note = "</script><script>alert(1)</script><!--";
    await yard.call("/v1/events", { body: { event: "ROTATE", stackId: "a", metadata: { note } } });
    await expect.poll(async () => await (await yard.call(path)).text()).toContain("alert(1)");

    const response = await yard.call(path);
    const text = await response.text();
    const [, document = ""] = /<script type="application\/json" id="bundle">([^<]*)<\/script>/.exec(text) ?? [];

    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="stackyard-a.html"');
    expect(response.headers.get("content-security-policy")).toContain("sandbox");
    expect(JSON.parse(document)).toMatchObject({ stackId: "a", stack: { metadata: { note, password: "***" } } });
    expect(await yard.json("/v1/stacks/none/bundle?as=page")).toMatchObject({ code: "STACK_UNKNOWN" });
    expect(await yard.json("/v1/stacks/a/bundle?as=pdf")).toMatchObject({ status: 400, code: "USAGE" });
  });

  it("has the report of a task, which has no stack, for callers that may read everything", async () => {
    await start();
    const pages = [
      { runId: "task-1", instances: [] },
      { runId: "task-1", instances: [{ instanceId: "i-1" }] },
    ];
    for (const [n, value] of pages.entries()) {
      await yard.store.records.put({ key: `job-report/task-1/000${n}`, value, expected: "absent", now: Date.now() });
    }

    expect(await yard.json("/v1/stacks/task-1/bundle")).toMatchObject({
      stack: null,
      history: [],
      report: pages,
      cut: [],
    });
    expect(await yard.json("/v1/stacks/a/bundle")).not.toHaveProperty("report");
    expect(await yard.json("/v1/stacks/task-2/bundle")).toMatchObject({ status: 404, code: "STACK_UNKNOWN" });
    expect(await yard.json("/v1/stacks/task_2/bundle")).toMatchObject({ status: 404, code: "STACK_UNKNOWN" });
  });

  it("has no report of what was removed for callers that may read some machines only", async () => {
    await start([], {}, { machines: ["review-app"] });
    const key = "job-report/a/0000";
    await yard.store.records.put({ key, value: { runId: "a" }, expected: "absent", now: Date.now() });
    await yard.call("/v1/stacks/a/remove", { body: { force: true, reason: "r" } });

    const bundle = await yard.json<Answer>("/v1/stacks/a/bundle");

    expect(bundle).toMatchObject({ stack: null });
    expect(bundle).not.toHaveProperty("report");
  });

  it("is NOT_FOUND as a page where the server has no console", async () => {
    await start();

    expect(await yard.json("/v1/stacks/a/bundle?as=page")).toMatchObject({ status: 404, code: "NOT_FOUND" });
    expect(await yard.json("/v1/stacks/a/bundle")).toMatchObject({ stackId: "a" });
  });

  it("has at most 32 MiB as a page too, however many bytes its texts need there", async () => {
    await start([], withPage);
    const empty = { appliedIds: [], park: [], unpark: [], deadLetters: [], dispatches: [], cancels: [] };
    const metadata = { note: "<".repeat(100_000) };
    const line = { stackId: "b", at: 1, event: "E", outcome: "applied", metadata, sent: [], notes: [] } as const;
    const history = Array.from({ length: 80 }, (_, n) => ({ ...line, eventId: `e${n}` }));
    const rest = { endedAttempts: [], receipts: [], now: 1, expectedVersion: 0, write: { kind: "keep" } as const };
    await yard.store.commit([{ ...empty, ...rest, stackId: "b", history }]);

    const { length } = await (await yard.call("/v1/stacks/b/bundle?as=page")).text();

    expect(length).toBeGreaterThan(20 * 1_048_576);
    expect(length).toBeLessThan(33 * 1_048_576);
  });

  it("has at most 32 MiB", async () => {
    await start();
    const empty = { appliedIds: [], park: [], unpark: [], deadLetters: [], dispatches: [], cancels: [] };
    const metadata = { note: "x".repeat(100_000) };
    const line = { stackId: "b", at: 1, event: "E", outcome: "applied", metadata, sent: [], notes: [] } as const;
    const history = Array.from({ length: 400 }, (_, n) => ({ ...line, eventId: `e${n}` }));
    const rest = { endedAttempts: [], receipts: [], now: 1, expectedVersion: 0, write: { kind: "keep" } as const };
    await yard.store.commit([{ ...empty, ...rest, stackId: "b", history }]);

    const text = await (await yard.call("/v1/stacks/b/bundle")).text();

    expect(text.length).toBeLessThan(32 * 1_048_576);
    expect(JSON.parse(text)).toMatchObject({ cut: ["history"], revisions: [] });
  });
});

describe("POST /v1/stacks/{id}/secrets/{key}/reveal", () => {
  const path = "/v1/stacks/a/secrets/password/reveal";
  const body = { reason: "the database is locked" };

  it("returns the value and records who asked, before and after", async () => {
    await start(["secrets:read"]);

    expect(await yard.json(path, { body })).toEqual({ stackId: "a", key: "password", value: SECRET });

    const lines = (await listAudited()).filter(({ action }) => action === "revealSecret");
    const entry = { who: expect.objectContaining({ name: "tester" }), on: { stackId: "a", key: "password" }, ...body };
    expect(lines).toMatchObject([
      { ...entry, outcome: "begun" },
      { ...entry, outcome: "done", of: lines[0]?.["id"] },
    ]);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });

  it("is NOT_FOUND for what is not sensitive, and needs a reason", async () => {
    await start(["secrets:read"]);

    expect(await yard.json("/v1/stacks/a/secrets/size/reveal", { body })).toMatchObject({
      status: 404,
      code: "NOT_FOUND",
    });
    expect(await yard.json("/v1/stacks/a/secrets/__proto__/reveal", { body })).toMatchObject({ code: "NOT_FOUND" });
    expect(await yard.json("/v1/stacks/b/secrets/password/reveal", { body })).toMatchObject({ code: "STACK_UNKNOWN" });
    expect(await yard.json(path, { body: {} })).toMatchObject({ status: 400, code: "USAGE" });
    expect((await listAudited()).filter(({ outcome }) => outcome === "failed")).toHaveLength(3);
  });

  it("is FORBIDDEN without secrets:read, also for an admin", async () => {
    await start();

    expect(await yard.json(path, { body })).toMatchObject({ status: 403, code: "FORBIDDEN" });
  });

  it("reveals nothing while the audit log cannot be written", async () => {
    await start(["secrets:read"]);
    await yard.halt();
    vi.spyOn(yard.store.records, "put").mockRejectedValue(new StackyardError("STORE_UNAVAILABLE", "away"));

    const response = await yard.call(path, { body });

    expect([response.status, (await response.text()).includes(SECRET)]).toEqual([503, false]);
  });
});
