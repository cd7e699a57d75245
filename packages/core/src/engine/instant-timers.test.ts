import { expect, it } from "vitest";
import { createTrial } from "../testing/trial.ts";

const SOURCE = `
version: 2
events: [OPENED, SET, DUE]
metadata: { until: { type: string } }
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { after: [{ at: "\${metadata.until}", event: DUE }], on: { DUE: no-op, SET: no-op } }
`;

it("fires again for an instant to which it has returned in the same entry, also for one that has passed", async () => {
  const { yard } = createTrial({ source: SOURCE });
  const begin = yard.clock.now();
  const iso = (ms: number) => new Date(begin + ms).toISOString();
  const set = async (id: string, until: string) => {
    await yard.publish({ id, stackId: "s", event: "SET", metadata: { until } });
    await yard.settle();
  };
  await yard.publish({ id: "e1", stackId: "s", event: "OPENED", machine: "app", metadata: { until: iso(-60_000) } });
  await yard.settle();
  await set("e2", iso(30_000));
  await yard.advance(60_000);
  await set("e3", iso(-90_000));
  await set("e4", iso(30_000));
  await yard.advance(60_000);

  const { items } = await yard.store.queries.listHistory({ stackId: "s" }, { limit: 100 });
  const fired = items.filter(({ event }) => event === "DUE");
  expect(fired.map(({ outcome }) => outcome)).toEqual(["applied", "applied", "applied", "applied"]);
  expect(new Set(fired.map(({ eventId }) => eventId)).size).toBe(4);
});
