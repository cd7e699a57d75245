import { afterEach, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const PIN = "481516";
const SOURCE = `
version: 2
events: [LAUNCH, NOTE]
metadata:
  pin: { type: string, sensitive: true, immutable: true }
  code: { type: number, sensitive: true, immutable: true }
states:
  INIT: { on: { LAUNCH: LIVE } }
  LIVE: { on: { NOTE: no-op } }
`;

let yard: TestYard;
afterEach(() => yard.stop());

async function createBench() {
  yard = createTestYard({ source: SOURCE });
  yard.run();
  const metadata = { pin: PIN, code: 4815 };
  await yard.call("/v1/events", { body: { stackId: "web-1", machine: "review-app", event: "LAUNCH", metadata } });
  await expect.poll(() => yard.json("/v1/stacks/web-1")).toMatchObject({ state: "LIVE" });
  const { token } = await yard.json<{ token: string }>("/v1/tokens", { body: { name: "o", role: "operator" } });
  const headers = { authorization: `Bearer ${token}` };
  const ask = (path: string, body: object) => yard.json<object>(path, { body, headers });
  return {
    preview: (body: object) => ask("/v1/stacks/web-1/simulate", body),
    start: (more: object) =>
      yard.json<{ id: string }>("/v1/bulk", {
        body: { operation: "send", body: { event: "NOTE" }, filter: { ids: ["web-1"] }, ...more },
      }),
    dryRun: (body: object) => ask("/v1/bulk", { operation: "send", body, filter: { ids: ["web-1"] }, dryRun: true }),
  };
}

/** A digest is also that of what was asked. */
function withoutDigest(text: string): string {
  return text.replaceAll(/"digest":"[0-9a-f]{32}"/g, "");
}

it("does not distinguish a right guess of a sensitive value from a wrong one", async () => {
  const bench = await createBench();

  for (const ask of [bench.preview, bench.dryRun]) {
    const guess = async (key: string, value: unknown) =>
      withoutDigest(JSON.stringify(await ask({ event: "NOTE", metadata: { [key]: value } })));
    expect(await guess("pin", PIN)).toBe(await guess("pin", "481517"));
    expect(await guess("code", 4815)).toBe(await guess("code", 4816));
    expect(await guess("pin", PIN)).toContain("METADATA_INVALID");

    // One of these names has the value; its mask would show which.
    const named = async (name: string) =>
      withoutDigest(JSON.stringify(await ask({ event: name }))).replaceAll(name, "NAME");
    expect(await named(`X${PIN}`)).toBe(await named("X481517"));
  }
});

it("shows nothing of the values in what an event would do", async () => {
  const { preview } = await createBench();

  const shown = JSON.stringify([await preview({ event: "NOTE" }), await preview({ event: "UNKNOWN" })]);

  expect(shown).not.toMatch(/4815|[0-9a-f]{8}-[0-9a-f]{4}-/);
});

it("does not show a value in the reason of a bulk operation, or of its end", async () => {
  const { start } = await createBench();

  const { id } = await start({ reason: `the pin ${PIN} is wrong` });
  await yard.call(`/v1/bulk/${id}/cancel`, { body: { reason: `not with ${PIN}` } });

  const shown = JSON.stringify([
    await yard.json(`/v1/bulk/${id}`),
    (await yard.store.records.list("", { limit: 1_000, now: yard.clock.now() })).items,
  ]);
  expect(shown).toContain("the pin *** is wrong");
  expect(shown).toContain("not with ***");
  expect(shown).not.toContain(PIN);
});
