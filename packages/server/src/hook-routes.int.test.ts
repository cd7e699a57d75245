import { createHookDeliveries, createKeyedQueue, type HookDelivery } from "@stackyard/core/services";
import { afterEach, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

let yard: TestYard;
afterEach(() => yard.stop());

it("lists a delivery without an outcome with its item in the queue: waiting, dead, or not there", async () => {
  yard = createTestYard();
  const deps = { records: yard.store.records, clock: { now: () => Date.now() }, random: () => 0 };
  const deliveries = createHookDeliveries(deps);
  const queue = createKeyedQueue(deps, "hooks");
  const deliver = async (id: string, rest: Partial<HookDelivery> = {}) => {
    await deliveries.add(`digest-${id}`, { id, host: "github", what: "pull.opened", receivedAt: 0, ...rest });
  };
  await deliver("dead");
  await queue.put("github/dead", {}, { dueMs: 0, maxWaitMs: 0 });
  const [claim] = (await queue.claim(1)).claims;
  if (claim !== undefined) await queue.bury(claim, "HOOK_FAILED: no appId.");
  await deliver("waiting");
  await queue.put("github/waiting", {}, { dueMs: 0, maxWaitMs: 0 });
  await deliver("lost");
  await deliver("done", { outcome: { kind: "nothing", reason: "No rule." } });

  const { items } = await yard.json<{ items: readonly Readonly<Record<string, unknown>>[] }>("/v1/hooks");

  const queued = new Map(items.map(({ id, queued }) => [id, queued]));
  const dead = { deadAt: expect.any(String), failure: expect.objectContaining({ message: "HOOK_FAILED: no appId." }) };
  expect(queued).toEqual(
    new Map<unknown, unknown>([
      ["dead", dead],
      ["waiting", {}],
      ["lost", undefined],
      ["done", undefined],
    ]),
  );
});
