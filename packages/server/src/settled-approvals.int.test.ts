import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SOURCE = `
version: 2
events: [SHIP]
metadata: { image: {} }
states:
  INIT: { on: { SHIP: GATE } }
  GATE: { tasks: [sign-off], on: { NEXT: LIVE } }
  LIVE: {}
tasks:
  sign-off: { executor: approval, config: { from: [managers] } }
`;

let yard: TestYard;
afterEach(() => yard.stop());

async function openGate() {
  yard = createTestYard({ source: SOURCE });
  yard.run();
  await yard.call("/v1/events", { body: { stackId: "web-1", machine: "review-app", event: "SHIP" } });
  await expect.poll(() => yard.json("/v1/stacks/web-1")).toMatchObject({ state: "GATE" });
}

async function asMaintainer(also: readonly string[]) {
  const body = { name: "m", role: "maintainer", also };
  const { token } = await yard.json<{ token: string }>("/v1/tokens", { body });
  return { headers: { authorization: `Bearer ${token}` } };
}

const settle = async (init: object, body: object = {}) => {
  const given = { task: "sign-off", as: "succeeded", reason: "nobody is there", ...body };
  const response = await yard.call("/v1/stacks/web-1/settle", { ...init, body: given });
  return [response.status, ((await response.json()) as { code?: string }).code];
};

describe("settling an approval by hand", () => {
  it("needs a permission of its own, and a request that says it is about an approval", async () => {
    await openGate();
    const [maintainer, trusted] = [await asMaintainer([]), await asMaintainer(["approvals:settle"])];

    expect(await settle(maintainer)).toEqual([409, "NOT_ALLOWED"]);
    expect(await settle(maintainer, { approval: true })).toEqual([403, "FORBIDDEN"]);
    expect(await settle(trusted)).toEqual([409, "NOT_ALLOWED"]);
    const event = { event: "SETTLE_TASK", stackId: "web-1", task: { name: "sign-off" }, as: "succeeded", reason: "r" };
    await yard.call("/v1/events", { ...trusted, body: { ...event, approval: true, own: true, id: "by-event" } });
    await expect
      .poll(() => yard.json("/v1/events/by-event/history"))
      .toMatchObject({ items: [{ outcome: "refused", code: "NOT_ALLOWED" }] });
    expect(await yard.json("/v1/stacks/web-1")).toMatchObject({ state: "GATE" });

    expect(await settle(trusted, { approval: true })).toEqual([200, undefined]);
    expect(await yard.json("/v1/stacks/web-1")).toMatchObject({ state: "LIVE" });
    await expect
      .poll(async () => JSON.stringify(await yard.json("/v1/audit?stack=web-1&action=SETTLE_APPROVAL")), {
        timeout: 10_000,
      })
      .toContain('"outcome":"done"');
  });
});
