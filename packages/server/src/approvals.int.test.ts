import type { Sender } from "@stackyard/core/access";
import type { Approval, NewApiToken, StackDetails } from "@stackyard/core/api";
import { createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "./testing/eventually.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const source = `
version: 2
events: [SHIP, NOTE]
metadata: { image: {}, password: { sensitive: true } }
states:
  INIT: { on: { SHIP: GATE } }
  GATE: { tasks: [sign-off, deploy], on: { NEXT: LIVE, NOTE: no-op } }
  LIVE: {}
tasks:
  sign-off: { executor: approval, config: { from: [managers, ops], count: 2, of: "\${metadata.image}", comment: required } }
  deploy: { executor: script, needs: [sign-off] }
`;

const ada: Sender = { kind: "person", id: "https://id.test ada", name: "ada", groups: ["managers"] };

let yard: TestYard;
afterEach(() => yard.stop());

async function ask(...stackIds: readonly string[]): Promise<void> {
  yard = createTestYard({ source });
  yard.run();
  for (const stackId of stackIds) {
    const metadata = { image: "app:1", password: "s3cret!" };
    await yard.call("/v1/events", { body: { event: "SHIP", stackId, machine: "review-app", metadata } });
    await until(async () => (await show(stackId)).state === "GATE");
  }
}

const show = (stackId: string) => yard.json<StackDetails>(`/v1/stacks/${encodeURIComponent(stackId)}`);
const list = (query = "") => yard.json<{ items: Approval[]; cursor?: string }>(`/v1/approvals${query}`);
const pathOf = ({ id }: Approval, name: string) => `/v1/approvals/${encodeURIComponent(id)}/${name}`;

const until = (holds: () => Promise<boolean>) => eventually(async () => expect(await holds()).toBe(true));

/** As a program that embeds the yard, or an earlier server. */
async function approveAs(sender: Sender, { id, stackId, task }: Approval): Promise<void> {
  const message = {
    event: "APPROVE_TASK",
    stackId,
    task: { name: task },
    dispatchId: id,
    of: "app:1",
    reason: "I know s3cret!",
  };
  await publishMessages({ store: yard.store, clock: systemClock, ids: createUlids() }, [message], { sender });
}

describe("approvals over HTTP", () => {
  it("are listed with the question, the requester and the deadline", async () => {
    await ask("a/b");

    const { items } = await list();

    expect(items).toEqual([
      {
        id: expect.stringMatching(/^a%2Fb\/[^/]+\/1\/sign-off\/1$/),
        stackId: "a/b",
        machine: "review-app",
        state: "GATE",
        task: "sign-off",
        from: ["managers", "ops"],
        count: 2,
        need: 2,
        own: false,
        comment: "required",
        of: "app:1",
        askedBy: { kind: "token", id: "configured:tester", name: "tester" },
        askedAt: expect.any(String),
        expiresAt: expect.any(String),
        given: [],
        mine: false,
      },
    ]);
    expect(await list("?mine=true")).toEqual({ items: [] });
  });

  it("show in the stack why it waits, and who has approved; no comment quotes a secret", async () => {
    await ask("s");
    const [open] = (await list()).items;
    await approveAs(ada, open as Approval);
    await until(async () => (await list()).items[0]?.given.length === 1);

    const { waitsFor, summary, tasks, approvals } = await show("s");

    expect(summary).toContain("Waits for 1 more approval from managers, ops (approved: ada). Expires in");
    expect(waitsFor).toMatchObject({ kind: "approval", groups: ["managers", "ops"], need: 1, given: ["ada"] });
    expect(tasks[0]).toMatchObject({ detail: "APPROVING", waitsFor: { at: approvals?.[0]?.expiresAt } });
    expect(approvals?.[0]?.given).toMatchObject([{ by: { name: "ada" }, comment: "I know ***" }]);
    const stacks = await yard.json<{ items: { id: string }[] }>("/v1/stacks?condition=approval");
    expect(stacks.items.map(({ id }) => id)).toEqual(["s"]);
  });

  it("are on pages, all of one stack on one", async () => {
    await ask("s1", "s2", "s3");

    const first = await list("?limit=2");
    const second = await list(`?limit=2&cursor=${first.cursor}`);

    expect([first, second].map(({ items }) => items.map(({ stackId }) => stackId))).toEqual([["s1", "s2"], ["s3"]]);
    const newest = await list("?sort=-id&limit=2");
    const oldest = await list(`?sort=-id&limit=2&cursor=${newest.cursor}`);
    expect([newest, oldest].map(({ items }) => items.map(({ stackId }) => stackId))).toEqual([["s3", "s2"], ["s1"]]);
    expect((await yard.call("/v1/approvals?mine=perhaps")).status).toBe(400);
  });

  it("are hidden from callers that may not see their stacks", async () => {
    await ask("api-1", "web-1");
    const { token } = await yard.json<NewApiToken>("/v1/tokens", {
      body: { name: "w", role: "viewer", stacks: ["web-"] },
    });
    const init = { headers: { authorization: `Bearer ${token}` } };
    const [hidden, shown] = (await list()).items;

    const { items } = await yard.json<{ items: Approval[] }>("/v1/approvals", init);
    const codes = [hidden, shown].map(async (approval) => {
      const answer = await yard.call(pathOf(approval as Approval, "approve"), { body: {}, ...init });
      return [answer.status, ((await answer.json()) as { code: string }).code];
    });

    expect(items.map(({ stackId }) => stackId)).toEqual(["web-1"]);
    expect(await Promise.all(codes)).toEqual([
      [404, "NOT_FOUND"],
      [409, "NOT_ALLOWED"],
    ]);
  });

  it.each(["approve", "reject"])("refuse to %s for a token, with a reason", async (name) => {
    await ask("s");
    const [open] = (await list()).items;

    const answer = await yard.call(pathOf(open as Approval, name), { body: { comment: "ok" } });

    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({
      code: "NOT_ALLOWED",
      detail: "tester is a token, and only people may approve or reject. Log in as a member of managers or ops.",
    });
  });

  it("are closed when they were replaced, and unknown ones are not found", async () => {
    await ask("s");
    const [open] = (await list()).items;
    await yard.call("/v1/events", { body: { event: "NOTE", stackId: "s", metadata: { image: "app:2" } } });
    await until(async () => (await list()).items[0]?.of === "app:2");

    const late = await yard.call(pathOf(open as Approval, "withdraw"), { body: {} });

    expect([late.status, await late.json()]).toMatchObject([409, { code: "APPROVAL_CLOSED" }]);
    for (const [id, code] of [
      ["nothing", "NOT_FOUND"],
      ["gone/1/1/sign-off/1", "STACK_UNKNOWN"],
    ] as const) {
      const answer = await yard.call(`/v1/approvals/${encodeURIComponent(id)}/approve`, { body: {} });
      expect([answer.status, await answer.json()]).toMatchObject([404, { code }]);
    }
  });
});
