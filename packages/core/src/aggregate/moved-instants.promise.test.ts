import { describe, expect, it } from "vitest";
import { createTrial, type TrialInput } from "../testing/trial.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const SOURCE = `
version: 2
events: [GO, EXTENDED, EXPIRE, REMIND]
metadata: { until: { type: string }, again: { type: string } }
states:
  INIT: { on: { GO: LIVE } }
  LIVE:
    after:
      - { at: "$\{metadata.until}", event: EXPIRE }
      - { at: "$\{metadata.again}", event: REMIND }
    on:
      EXTENDED: no-op
      EXPIRE: GONE
      REMIND: [{ action: no-op, set: { again: "$\{string(timestamp(metadata.again) + duration('1h'))}" } }]
  GONE: {}
`;

/** A stack that expires in one hour. */
async function begin(input: TrialInput = {}, more: object = {}) {
  const trial = createTrial({ source: SOURCE, ...input });
  const { yard } = trial;
  const start = yard.clock.now();
  const at = (hours: number) => new Date(start + hours * HOUR_MS).toISOString();
  await yard.publish({ stackId: "s", event: "GO", machine: "app", metadata: { until: at(1), ...more } });
  await yard.settle();
  const extend = async (metadata: object) => {
    await yard.publish({ stackId: "s", event: "EXTENDED", metadata });
    await yard.settle();
  };
  /** Hours after the start at which an event was applied. */
  const listApplied = async (event: string) => {
    const lines = (await yard.listHistory("s")).filter((each) => each.event === event && each.outcome === "applied");
    return lines.map((line) => (line.at - start) / HOUR_MS);
  };
  return { yard, at, extend, listApplied };
}

describe("a timer whose instant is moved", () => {
  // camunda#4958, node-schedule#226
  it.each([
    ["later", 5],
    ["earlier", 0.5],
  ])("sends its event at the new instant only: %s", async (_, hours) => {
    const { yard, at, extend, listApplied } = await begin();

    await extend({ until: at(hours) });
    await yard.advance(8 * HOUR_MS);

    expect(await listApplied("EXPIRE")).toEqual([hours]);
  });

  it("sends its event once when it is moved earlier again and again (camunda#10541)", async () => {
    const { yard, at, extend, listApplied } = await begin();

    for (const hours of [0.9, 0.8, 0.7, 0.6]) await extend({ until: at(hours) });
    await yard.advance(8 * HOUR_MS);

    expect(await listApplied("EXPIRE")).toEqual([0.6]);
    expect((await yard.listHistory("s")).filter(({ event }) => event === "EXPIRE")).toHaveLength(1);
  });

  it("is off with null, and on again with the instant that it had before (Activiti PR 578)", async () => {
    const { yard, at, extend, listApplied } = await begin();

    await extend({ until: null });
    const off = await yard.findStack("s");
    await extend({ until: at(1) });
    await yard.advance(8 * HOUR_MS);

    expect([off?.timers, await listApplied("EXPIRE")]).toEqual([[], [1]]);
  });

  it("acts at one of both instants, never at both or at none, when it is moved in the moment in which it is due (contrail-controller PR 292)", async () => {
    const acted = new Set<number>();
    for (let seed = 1; seed <= 12; seed += 1) {
      const { yard, at, listApplied } = await begin({ seed, duplicateRate: 0.5 });
      await yard.clock.advance(HOUR_MS);
      await yard.publish({ stackId: "s", event: "EXTENDED", metadata: { until: at(3) } });

      await yard.settle();
      const { state } = (await yard.findStack("s")) ?? {};
      await yard.advance(8 * HOUR_MS);

      const expected = state === "GONE" ? 1 : 3;
      expect([seed, ...(await listApplied("EXPIRE"))]).toEqual([seed, expected]);
      expect(await yard.findViolations()).toEqual([]);
      acted.add(expected);
    }
    expect([...acted].sort()).toEqual([1, 3]);
  });

  it("that moves itself ends when it is switched off (openhab-core PR 2570)", async () => {
    const { yard, extend, listApplied } = await begin({}, { until: null, again: undefined });
    const start = yard.clock.now();
    await extend({ again: new Date(start + HOUR_MS).toISOString() });

    await yard.advance(3.5 * HOUR_MS);
    await extend({ again: null });
    await yard.advance(8 * HOUR_MS);

    expect(await listApplied("REMIND")).toEqual([1, 2, 3]);
  });
});
