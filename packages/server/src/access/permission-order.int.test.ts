import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "../testing/test-yard.ts";

const open: TestYard[] = [];
afterEach(async () => {
  for (const yard of open.splice(0)) await yard.stop();
});

async function aViewer() {
  const yard = createTestYard();
  open.push(yard);
  const body = { name: "grafana", role: "viewer" };
  const { token } = await yard.json<{ token: string }>("/v1/tokens", { method: "POST", body });
  return { yard, headers: { authorization: `Bearer ${token}` } };
}

describe("a caller without a permission", () => {
  it.each([
    ["/v1/stacks/pr-1/remove", { id: 5 }],
    ["/v1/stacks/pr-1/upgrade", []],
    ["/v1/stacks/pr-1/settle", { task: 7 }],
  ])("learns that, and not what the body of %s lacks", async (path, body) => {
    const { yard, headers } = await aViewer();

    const refused = await yard.call(path, { method: "POST", body, headers });
    const invalid = await yard.call(path, { method: "POST", body });

    expect([403, 404]).toContain(refused.status);
    expect(invalid.status).toBe(400);
  });
});
