import { afterEach, describe, expect, it, vi } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const PINNED = `
version: 2
events: [LAUNCH, DOWN]
states:
  INIT: { on: { LAUNCH: IDLE } }
  IDLE: { on: { DOWN: GONE } }
  GONE: { terminal: true }
`;
const FOLLOWING = PINNED.replace("version: 2", "version: 2\nrevision: follow");
const BROKEN = "version: 2\n";

type Body = Readonly<Record<string, unknown>>;

let yard: TestYard;
afterEach(() => yard.stop());

/** A yard with the stack `a` in IDLE. */
async function createStack(source: string): Promise<void> {
  yard = createTestYard({ source });
  yard.run();
  await yard.call("/v1/events", { body: { event: "LAUNCH", stackId: "a", machine: "review-app" } });
  // Not over the API, which would read and keep the stack's revision.
  await expect.poll(async () => (await findStack())?.state).toBe("IDLE");
}

const findStack = async () => (await yard.store.load(["a"]))[0]?.stack;

const preview = (body: Body, stackId = "a") => yard.json<Body>(`/v1/stacks/${stackId}/simulate`, { body });

/** What becomes of the event when it is sent; the engine's cache of machines is 5 s old at most. */
async function send(body: Body): Promise<unknown> {
  await yard.call("/v1/events", { body: { ...body, stackId: "a", id: "sent" } });
  const history = () => yard.json<{ items: Body[] }>("/v1/events/sent/history");
  await expect.poll(async () => (await history()).items.length).toBeGreaterThan(0);
  return (await history()).items[0];
}

describe("the preview of an event", () => {
  it("is decided on the stack's last revision while the newest has errors", async () => {
    await createStack(FOLLOWING);
    yard.write(BROKEN);

    const previewed = await preview({ event: "DOWN" });
    const unknown = await preview({ event: "NEWER" });

    expect(previewed).toMatchObject({ outcome: "removed", notes: [expect.stringContaining("has 1 problem")] });
    expect(unknown).toMatchObject({ outcome: "refused", code: "MACHINE_INVALID" });
    expect(await send({ event: "DOWN" })).toMatchObject({ outcome: "removed", notes: previewed["notes"] });
  });

  it("is a refusal where the stack keeps a revision that can no longer be used", async () => {
    await createStack(PINNED);
    const hash = (await findStack())?.machineHash ?? "";
    yard.write(PINNED.replace("DOWN: GONE", "DOWN: GONE, LAUNCH: no-op"));
    vi.spyOn(yard.store.revisions, "get").mockResolvedValue({
      name: "review-app",
      hash,
      source: BROKEN,
      firstSeenAt: 0,
    });

    expect(await preview({ event: "LAUNCH" })).toMatchObject({
      outcome: "refused",
      code: "MACHINE_INVALID",
      reason: expect.stringContaining("can no longer be used"),
    });
  });

  it("reports whether an upgrade would be accepted", async () => {
    await createStack(PINNED);
    yard.write(PINNED.replaceAll("IDLE", "READY"));

    const missing = await preview({ event: "UPGRADE_STACK" });
    const unknown = await preview({ event: "UPGRADE_STACK", to: "f".repeat(64) });

    expect(missing).toMatchObject({ outcome: "refused", code: "UPGRADE_STATE_MISSING" });
    expect(unknown).toMatchObject({ outcome: "refused", code: "MACHINE_UNKNOWN" });
    expect(await send({ event: "UPGRADE_STACK" })).toMatchObject({ code: missing["code"], reason: missing["reason"] });
  });

  it("says that the newest revision knows an event which the stack's own does not", async () => {
    await createStack(FOLLOWING);
    yard.write(FOLLOWING.replaceAll("IDLE", "READY").replace("[LAUNCH", "[NEWER, LAUNCH"));

    const previewed = await preview({ event: "NEWER" });

    expect(previewed).toMatchObject({ outcome: "refused", code: "EVENT_NOT_HANDLED" });
    expect(await send({ event: "NEWER" })).toMatchObject({ code: previewed["code"], reason: previewed["reason"] });
  });

  it("is a refusal where a new stack has no machine that could be used, and 404 where none is named", async () => {
    yard = createTestYard({ source: BROKEN });

    const broken = await preview({ event: "LAUNCH", machine: "review-app" }, "new");
    const unknown = await preview({ event: "LAUNCH", machine: "reviewapp" }, "new");
    const nameless = await yard.call("/v1/stacks/new/simulate", { body: { event: "LAUNCH" } });

    expect(broken).toMatchObject({ outcome: "refused", code: "MACHINE_INVALID" });
    expect(unknown).toMatchObject({ code: "MACHINE_UNKNOWN", reason: expect.stringContaining('"review-app"') });
    expect(nameless.status).toBe(404);
  });
});
