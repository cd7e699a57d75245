import { describe, expect, it } from "vitest";
import { createTrial } from "../../testing/trial.ts";

const toSource = (failed: string) => `
version: 2
events: { CREATED: {}, PUSHED: {}, AGAIN: {} }
metadata: { sha: { type: string } }
states:
  INIT: { on: { CREATED: PLAN } }
  PLAN: { tasks: [plan], on: { NEXT: APPLY, FAILED: BROKEN } }
  APPLY: { tasks: [apply], on: { NEXT: LIVE, FAILED: ${failed}, PUSHED: PLAN } }
  LIVE: { on: { PUSHED: PLAN } }
  WAIT: { after: [{ in: 5m, event: AGAIN }], on: { AGAIN: PLAN } }
  BROKEN: { on: { PUSHED: PLAN } }
tasks:
  plan: { executor: work, config: {} }
  apply: { executor: work, config: {} }
`;

async function play(
  failed: string,
  toCode: (attempt: number) => string,
  metadata: Readonly<Record<string, string>> = {},
) {
  let applied = 0;
  const { yard } = createTrial({
    source: toSource(failed),
    script({ task }) {
      if (task !== "apply") return undefined;
      applied += 1;
      return { kind: "failed", code: toCode(applied), message: "It is refused.", retryable: false };
    },
  });
  const send = async (event: string) => {
    const id = `${event}-${yard.clock.now()}`;
    await yard.publish({ id, stackId: "s", event, machine: "app", metadata });
    await yard.settle();
  };
  await send("CREATED");
  return { yard, send, applied: () => applied, find: () => yard.findStack("s") };
}

describe("a machine that plans again after a failed apply", () => {
  it("stops after the same failure five times, until an event comes [burrito#291, terraform-controller#361]", async () => {
    const { send, applied, find } = await play("PLAN", () => "REFUSED");

    expect([applied(), (await find())?.stalled]).toEqual([
      5,
      {
        code: "LOOP_LIMIT",
        reason:
          '"apply" has failed 5 times in a row with REFUSED, and no event has come meanwhile. "PLAN" would run it again.',
      },
    ]);
    await send("PUSHED");
    expect(applied()).toBe(10);
  });

  it("continues with an event that brings the same version again", async () => {
    const { send, applied, find } = await play("PLAN", () => "REFUSED", { sha: "a" });

    await send("PUSHED");

    expect([applied(), (await find())?.stalled?.code]).toEqual([10, "LOOP_LIMIT"]);
  });

  it("continues where it fails in other ways, where a timer comes between, and to a state that only waits", async () => {
    const other = await play("PLAN", (attempt) => (attempt > 12 ? "REFUSED" : `REFUSED_${attempt}`));
    const later = await play("WAIT", () => "REFUSED");
    const broken = await play("BROKEN", () => "REFUSED");
    await later.yard.advance(60 * 60_000);

    expect(other.applied()).toBe(17);
    expect([later.applied() > 10, (await later.find())?.stalled]).toEqual([true, undefined]);
    expect([broken.applied(), (await broken.find())?.state]).toEqual([1, "BROKEN"]);
  });
});
