import { describe, expect, it } from "vitest";
import type { Rejected } from "../machine/decide/decision.ts";
import { defined } from "../machine/json.ts";
import { anEvent, aStack } from "../testing/builders.ts";
import { countingIds } from "../testing/fake-clock.ts";
import { aParkedEvent, aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { DEFAULT_PARKING } from "./parking.ts";
import { type RefuseDeps, refuse } from "./refuse.ts";
import { beginRound, type Round, toChange } from "./round.ts";

interface Case {
  readonly code?: Rejected["code"];
  readonly name?: string;
  readonly origin?: "external" | "worker";
  readonly mode?: RefuseDeps["refusedEvents"];
  /** The event is parked already. */
  readonly parked?: boolean;
  readonly masked?: readonly string[];
  /** Until then its sender waits for the first decision. */
  readonly awaitedUntil?: number;
  /** Now; the parked event is due at 30,000. */
  readonly at?: number;
}

function refuseOne({
  code = "EVENT_NOT_HANDLED",
  name = "PUSH",
  origin = "external",
  mode = "park",
  parked,
  masked,
  awaitedUntil,
  at = 1_000,
}: Case): {
  readonly outcome: string;
  readonly round: Round;
} {
  const known = parked === true ? [aParkedEvent("e1", { parkedAt: 0, nextTryAt: 30_000, reason: "no" })] : [];
  const round = beginRound(
    { stackId: "s1", version: 1, stack: aStack(), parked: known },
    { now: at, knownIds: new Set() },
  );
  const outcome = refuse({ ids: countingIds(), parking: DEFAULT_PARKING, refusedEvents: mode }, round, {
    event: anEvent(name, { origin }),
    queued: aQueuedEvent("e1", { origin, ...defined({ awaitedUntil }) }),
    decision: { kind: "rejected", code, reason: "no" },
    masked,
  });
  return { outcome, round };
}

describe("a refused event", () => {
  const owner = { machine: "review-app", incarnation: "event-0" };

  it.each<readonly [Case, string]>([
    [{}, "parked"],
    [{ code: "STATE_UNKNOWN" }, "parked"],
    [{ parked: true }, "parked-again"],
    [{ code: "EVENT_UNDECLARED" }, "dead-lettered"],
    [{ code: "EVENT_UNDECLARED", parked: true }, "dead-lettered"],
    [{ code: "EVENT_UNDECLARED", mode: "drop" }, "dead-lettered"],
    [{ mode: "redeliver" }, "redeliver"],
    [{ mode: "redeliver", code: "EVENT_UNDECLARED" }, "redeliver"],
    [{ mode: "redeliver", parked: true }, "parked-again"],
    [{ mode: "redeliver", parked: true, code: "EVENT_UNDECLARED" }, "dead-lettered"],
    [{ mode: "redeliver", origin: "worker", name: "TASK_COMPLETED", code: "MACHINE_UNKNOWN" }, "parked"],
    [{ mode: "drop" }, "refused"],
    [{ mode: "drop", parked: true }, "parked-again"],
    [{ mode: "drop", origin: "worker", name: "TASK_COMPLETED", code: "MACHINE_UNKNOWN" }, "parked"],
    [{ name: "TASK_COMPLETED", code: "MACHINE_INVALID" }, "parked"],
    [{ name: "TASK_COMPLETED", code: "TASK_NOT_CURRENT" }, "refused"],
    [{ name: "TASK_COMPLETED", code: "TASK_NOT_CURRENT", mode: "redeliver" }, "refused"],
    [{ name: "RETRY_FAILED_TASKS", code: "MACHINE_UNKNOWN" }, "refused"],
    [{ name: "REMOVE_STACK", code: "EVENT_INVALID" }, "refused"],
    [{ name: "UPGRADE_STACK", code: "UPGRADE_STATE_MISSING" }, "refused"],
  ])("%j: %s", (input, outcome) => {
    expect(refuseOne(input).outcome).toBe(outcome);
  });

  it.each<readonly [string, Case, string]>([
    ["that its sender waits for is the answer", { awaitedUntil: 1_000 }, "refused"],
    ["that comes after the wait of its sender", { awaitedUntil: 999 }, "dead-lettered"],
    ["that was parked, which its sender has seen", { awaitedUntil: 1_000, parked: true }, "dead-lettered"],
    ["that its sender does not wait for", {}, "dead-lettered"],
  ])("for good %s: %j is %s", (_, input, outcome) => {
    const { outcome: found, round } = refuseOne({ code: "EVENT_UNDECLARED", ...input });

    expect([found, toChange(round).deadLetters.length]).toEqual([outcome, outcome === "refused" ? 0 : 1]);
  });

  it("that is not handled now is parked although its sender waits; then it waits no more", () => {
    const { outcome, round } = refuseOne({ awaitedUntil: 1_000 });

    expect(outcome).toBe("parked");
    expect(toChange(round).park[0]?.event).not.toHaveProperty("awaitedUntil");
  });

  it("that is a dead letter has no sender that waits, when it is sent again", () => {
    const { round } = refuseOne({ awaitedUntil: 1_000, parked: true, code: "EVENT_UNDECLARED" });

    expect(toChange(round).deadLetters[0]?.event).not.toHaveProperty("awaitedUntil");
  });

  it("keeps its reason, its first refusal and the number of its tries", () => {
    const { round } = refuseOne({ parked: true, code: "MACHINE_INVALID", at: 30_000 });

    expect(toChange(round).park).toEqual([
      {
        event: aQueuedEvent("e1", owner),
        code: "MACHINE_INVALID",
        reason: "no",
        parkedAt: 0,
        tries: 2,
        nextTryAt: 90_000,
        order: 1,
      },
    ]);
  });

  it("is not written again by a try because of a change that refuses it as before", () => {
    const { outcome, round } = refuseOne({ parked: true });

    expect([outcome, toChange(round).park]).toEqual(["parked-again", []]);
  });

  it("keeps which of its keys must not be shown", () => {
    for (const code of ["EVENT_NOT_HANDLED", "EVENT_UNDECLARED"] as const) {
      const { round } = refuseOne({ code, masked: ["password"] });
      const { park, deadLetters } = toChange(round);

      expect([...park, ...deadLetters].map(({ masked }) => masked)).toEqual([["password"]]);
    }
  });

  it("is listed with its reason when it is dead-lettered", () => {
    const { round } = refuseOne({ code: "EVENT_UNDECLARED" });

    expect(toChange(round).deadLetters).toEqual([
      {
        id: "id-000001",
        event: aQueuedEvent("e1", owner),
        code: "EVENT_UNDECLARED",
        reason: "no",
        deadLetteredAt: 1_000,
      },
    ]);
  });
});

describe("a result that cannot be applied", () => {
  const HOURS_MS = 36_000_000;

  function refuseResult(attemptId: string) {
    const stack = aStack({ runs: [{ attemptId, entry: 1, task: "t", attempt: 1, dispatchedAt: 0 }] });
    const message = { event: "TASK_COMPLETED", stackId: "s1", task: { name: "t" }, dispatchId: "a1" };
    const queued = aQueuedEvent("e1", { origin: "worker", message });
    const known = aParkedEvent("e1", { event: queued, parkedAt: 0, nextTryAt: 30_000, reason: "no" });
    const loaded = { stackId: "s1", version: 1, stack, parked: [known] };
    const round = beginRound(loaded, { now: HOURS_MS, knownIds: new Set() });
    const outcome = refuse({ ids: countingIds(), parking: DEFAULT_PARKING, refusedEvents: "park" }, round, {
      event: anEvent("TASK_COMPLETED", { origin: "worker", id: "e1" }),
      queued,
      decision: { kind: "rejected", code: "MACHINE_INVALID", reason: "no" },
    });
    return { outcome, nextTryAt: [...round.parked.values()][0]?.nextTryAt ?? 0 };
  }

  it("stays parked as long as its attempt is open, and is tried again", () => {
    const { outcome, nextTryAt } = refuseResult("a1");

    expect([outcome, nextTryAt > HOURS_MS]).toEqual(["parked-again", true]);
  });

  it("is given up once its attempt has ended otherwise", () => {
    expect(refuseResult("another").outcome).toBe("dead-lettered");
  });
});
