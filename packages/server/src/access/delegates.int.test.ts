import type { NewApiToken } from "@stackyard/core/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { createTestYard, type TestYard, TOKEN } from "../testing/test-yard.ts";

/** Its machine may send to `api-…`, which no one here may; GO leads on. */
const SOURCE = `
version: 2
events: [RELEASED, GO, END]
states:
  INIT: { on: { RELEASED: WAIT } }
  WAIT: { on: { GO: SENT, END: GONE } }
  SENT: { tasks: [send], on: { GO: SENT, END: GONE } }
  GONE: { terminal: true }
tasks:
  send: { executor: script, config: {} }
`;

const HINT = 'The machine "review-app" has rights of its own. A grant must name it in "machines".';

let yard: TestYard;
const secrets: Record<string, string> = { wanda: "w".repeat(20), ron: "r".repeat(20), mia: "m".repeat(20) };

beforeAll(async () => {
  yard = createTestYard({
    source: SOURCE,
    tokens: [{ name: "root", token: TOKEN }, ...Object.entries(secrets).map(([name, token]) => ({ name, token }))],
    access: {
      grants: [
        { to: { token: "root" }, role: "admin" },
        { to: { machine: "review-app" }, role: "operator", stacks: ["api-"] },
        { to: { token: "wanda" }, role: "operator", stacks: ["web-"] },
        { to: { token: "mia" }, role: "maintainer", stacks: ["web-"] },
        { to: { token: "ron" }, role: "operator", machines: ["review-app"], stacks: ["web-"] },
      ],
    },
  });
  yard.run();
  await ask(TOKEN, "/v1/events", { stackId: "web-0", machine: "review-app", event: "RELEASED" });
  await eventually(async () => expect((await ask(TOKEN, "/v1/stacks/web-0")).text).toContain("WAIT"));
  const made = await ask(secrets["wanda"], "/v1/tokens", { name: "child", role: "operator", stacks: ["web-"] });
  secrets["child"] = (JSON.parse(made.text) as NewApiToken).token;
});
afterAll(() => yard.stop());

async function ask(secret: string | undefined, path: string, body?: unknown) {
  const response = await yard.call(path, { body, headers: { authorization: `Bearer ${secret}` } });
  return { status: response.status, text: await response.text() };
}

const released = { stackId: "web-1", machine: "review-app", event: "RELEASED" };

/** All ways to open a stack or to lead one on, with what they answer to those who may. */
const DOORS: Readonly<Record<string, readonly [path: string, body: object]>> = {
  "open a stack": ["/v1/events", released],
  "open it in a list": ["/v1/events", [{ ...released, stackId: "web-2" }]],
  "lead one on": ["/v1/events", { stackId: "web-0", event: "GO" }],
  "lead one on as the detail of EventBridge": ["/v1/events", { detail: { stackId: "web-0", event: "GO" } }],
  "retry its task": ["/v1/stacks/web-0/retry", { reason: "r" }],
  "lead several on": [
    "/v1/bulk",
    { operation: "send", body: { event: "GO" }, filter: { ids: ["web-0"] }, dryRun: true },
  ],
};

describe("a machine with rights of its own", () => {
  describe.each(["wanda", "child", "mia"])("is not led by %s, who has a grant for the ids of its stacks", (who) => {
    it.each(Object.entries(DOORS))("to %s (CVE-2021-21624)", async (_, [path, body]) => {
      const { status, text } = await ask(secrets[who], path, body);

      expect([status, text]).toEqual([403, expect.stringContaining('"FORBIDDEN"')]);
    });
  });

  it("says which grant is missing", async () => {
    for (const path of ["/v1/events", "/v1/stacks/web-0/retry"]) {
      const { text } = await ask(secrets["wanda"], path, path === "/v1/events" ? released : {});

      expect(JSON.parse(text)).toMatchObject({ details: { hint: HINT } });
    }
  });

  it("is seen by them, as their grant says", async () => {
    expect((await ask(secrets["wanda"], "/v1/stacks/web-0")).status).toBe(200);
    expect((await ask(secrets["wanda"], "/v1/stacks/web-0/history")).status).toBe(200);
  });

  it("is not repaired by them either: neither settled, removed, upgraded nor rewritten", async () => {
    const calls: readonly (readonly [string, object])[] = [
      ["/v1/stacks/web-0/settle", { task: "send", as: "succeeded", reason: "r" }],
      ["/v1/stacks/web-0/remove", { force: true, reason: "r" }],
      ["/v1/stacks/web-0/upgrade", {}],
      ["/v1/machines/review-app/upgrade", {}],
    ];

    for (const [path, body] of calls)
      expect([path, (await ask(secrets["mia"], path, body)).status]).toEqual([path, 403]);
  });

  it("is led by those whose grant names it, within their ids", async () => {
    const { status } = await ask(secrets["ron"], "/v1/events", { ...released, stackId: "web-9" });

    expect(status).toBe(202);
    expect((await ask(secrets["ron"], "/v1/events", { ...released, stackId: "api-9" })).status).toBe(403);
    expect((await ask(secrets["ron"], "/v1/events", { stackId: "web-0", event: "GO" })).status).toBe(202);
  });
});
