import type { Freeze, NewApiToken } from "@stackyard/core/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "./testing/eventually.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

let yard: TestYard;
beforeEach(() => {
  yard = createTestYard();
});
afterEach(() => yard.stop());

const WINTER = { name: "winter", reason: "Christmas" };

/** Returns the headers of a new token. */
async function open(role: string, scope: object = {}): Promise<{ readonly authorization: string }> {
  const token: NewApiToken = await yard.json("/v1/tokens", { body: { name: "t", role, ...scope } });
  return { authorization: `Bearer ${token.token}` };
}

async function listLines() {
  const { items } = await yard.store.records.list("audit/pending/", { limit: 100, now: Date.now() });
  return items.map(({ value }) => {
    const { action, outcome, on, reason } = value as Readonly<Record<string, unknown>>;
    return { action, outcome, on, reason };
  });
}

describe("freezes", () => {
  it("are changed only where they are those that were seen", async () => {
    const first = await yard.json<Freeze>("/v1/freezes", { body: WINTER });
    await yard.json("/v1/freezes/winter/end", { body: { seen: first.startedAt } });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await yard.json<Freeze>("/v1/freezes", { body: WINTER });
    const { startedAt: seen } = first;

    const end = await yard.call("/v1/freezes/winter/end", { body: { seen } });

    expect([end.status, await end.json()]).toEqual([
      409,
      expect.objectContaining({ detail: expect.stringContaining(`started at ${second.startedAt}`) }),
    ]);
    expect(await yard.json("/v1/freezes")).toEqual({ items: [second] });
    await yard.json("/v1/freezes/winter/end", { body: {} });
  });

  it("are started, listed and ended, and the audit log has each step", async () => {
    const started = await yard.json<Freeze>("/v1/freezes", {
      body: { ...WINTER, machine: "review-app", where: "metadata.tier == 'gold'", to: "2999-01-04T08:00:00+01:00" },
    });
    const listed = await yard.json<{ items: Freeze[] }>("/v1/freezes");
    const ended = await yard.json<Freeze>("/v1/freezes/winter/end", { body: { reason: "over" } });

    expect(started).toMatchObject({ ...WINTER, startedBy: "tester", to: "2999-01-04T07:00:00.000Z", except: [] });
    expect(listed.items).toEqual([started]);
    expect(ended).toEqual(started);
    expect(await yard.json("/v1/freezes")).toEqual({ items: [] });
    const on = { key: "freezes/winter", machine: "review-app" };
    expect(await listLines()).toEqual([
      { action: "startFreeze", outcome: "begun", on, reason: "Christmas" },
      { action: "startFreeze", outcome: "done", on, reason: "Christmas" },
      { action: "endFreeze", outcome: "begun", on, reason: "over" },
      { action: "endFreeze", outcome: "done", on, reason: "over" },
    ]);
  });

  it.each([
    ["operator", {}, {}, 403],
    ["maintainer", {}, {}, 200],
    ["maintainer", { machines: ["review-app"] }, {}, 403],
    ["maintainer", { machines: ["review-app"] }, { machine: "review-app" }, 200],
    ["maintainer", { machines: ["review-app"] }, { machine: "other" }, 403],
    ["maintainer", { machines: ["review-app"], stacks: ["pr-"] }, { machine: "review-app" }, 403],
  ])("need repair for all that they match: %s %j %j", async (role, scope, matched, status) => {
    const headers = await open(role, scope);

    expect((await yard.call("/v1/freezes", { headers, body: { ...WINTER, ...matched } })).status).toBe(status);
    const all = await yard.json<{ items: Freeze[] }>("/v1/freezes");
    expect(all.items.length).toBe(status === 200 ? 1 : 0);
  });

  it("are ended, and passed, only by who may start them", async () => {
    await yard.json("/v1/freezes", { body: WINTER });
    yard.run();
    const headers = await open("maintainer", { machines: ["review-app"] });
    const tryBoth = async () => {
      const end = await yard.call("/v1/freezes/winter/end", { headers, body: {} });
      const except = await yard.call("/v1/freezes/winter/except", { headers, body: { release: "pr-1", reason: "r" } });
      return [end.status, except.status];
    };

    // It concerns none of their stacks, so it is not said to exist.
    expect(await tryBoth()).toEqual([404, 404]);
    await yard.call("/v1/events", { body: { stackId: "pr-1", machine: "review-app", event: "LAUNCH" } });
    await eventually(async () => expect((await yard.call("/v1/stacks/pr-1")).status).toBe(200));
    expect(await tryBoth()).toEqual([403, 403]);
  });

  it("are seen by readers of some stacks as far as they concern these", async () => {
    yard.run();
    const releases = ["rel-1", "pr-1"];
    for (const stackId of ["pr-1", "t-vip", "rel-1"]) {
      await yard.call("/v1/events", { body: { stackId, machine: "review-app", event: "LAUNCH" } });
      await eventually(async () => expect((await yard.call(`/v1/stacks/${stackId}`)).status).toBe(200));
    }
    await yard.json("/v1/freezes", { body: { name: "vip", reason: "merger", where: "stack.id == 't-vip'" } });
    await yard.json("/v1/freezes", { body: { ...WINTER, where: "stack.id in ['t-vip', 'pr-1']" } });
    for (const release of releases) {
      await yard.json("/v1/freezes/winter/except", { body: { release, reason: `outage of ${release}` } });
    }
    const headers = await open("viewer", { stacks: ["pr-"] });

    const seen = await yard.json<{ items: Freeze[] }>("/v1/freezes", { headers });
    const all = await yard.json<{ items: Freeze[] }>("/v1/freezes", { headers: await open("viewer") });

    expect(all.items.map(({ name, except }) => [name, except.length])).toEqual([
      ["vip", 0],
      ["winter", 2],
    ]);
    expect(seen.items).toEqual([
      expect.objectContaining({ ...WINTER, except: [expect.objectContaining({ release: "pr-1" })] }),
    ]);
    expect(JSON.stringify(seen)).not.toMatch(/t-vip|rel-1|merger|where/);
  });

  it("are passed by a release that exists", async () => {
    await yard.json("/v1/freezes", { body: WINTER });
    const unknown = await yard.call("/v1/freezes/winter/except", { body: { release: "pr-1", reason: "outage" } });
    const missing = await yard.call("/v1/freezes/summer/except", { body: { release: "pr-1", reason: "outage" } });

    expect([unknown.status, missing.status]).toEqual([404, 404]);
    expect(await unknown.json()).toMatchObject({ code: "STACK_UNKNOWN" });
  });

  it("are refused with what to do: a name in use, an end that has passed, an expression with errors", async () => {
    await yard.json("/v1/freezes", { body: WINTER });
    const call = async (body: object) => {
      const response = await yard.call("/v1/freezes", { body: { ...WINTER, ...body } });
      return [response.status, Object(await response.json()).code];
    };

    expect(await call({})).toEqual([409, "RECORD_CONFLICT"]);
    expect(await call({ name: "x", to: "2020-01-01T00:00:00Z" })).toEqual([400, "USAGE"]);
    expect(await call({ name: "x", to: "2999-12-31T23:59:60Z" })).toEqual([400, "USAGE"]);
    expect(await call({ name: "x", where: "metadata.x ==" })).toEqual([400, "USAGE"]);
    expect(await call({ name: "../x" })).toEqual([400, "USAGE"]);
  });
});
