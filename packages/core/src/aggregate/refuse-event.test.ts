import { describe, expect, it } from "vitest";
import type { Rejected } from "../machine/decide/decision.ts";
import { anEvent, aStack } from "../testing/builders.ts";
import { countingIds } from "../testing/fake-clock.ts";
import { aParkedEvent, aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { beginRound, DEFAULT_PARKING, type RefuseDeps, type Round, refuse, toChange } from "./round.ts";

interface Case {
  readonly code?: Rejected["code"];
  readonly name?: string;
  readonly origin?: "external" | "worker";
  readonly mode?: RefuseDeps["refusedEvents"];
  /** The event is parked already. */
  readonly parked?: boolean;
  readonly masked?: readonly string[];
}

function refuseOne({
  code = "EVENT_NOT_HANDLED",
  name = "PUSH",
  origin = "external",
  mode = "park",
  parked,
  masked,
}: Case): {
  readonly outcome: string;
  readonly round: Round;
} {
  const known = parked === true ? [aParkedEvent("e1", { parkedAt: 0 })] : [];
  const round = beginRound({ stackId: "s1", version: 1, stack: aStack(), parked: known }, 1_000, new Set());
  const outcome = refuse({ ids: countingIds(), parking: DEFAULT_PARKING, refusedEvents: mode }, round, {
    event: anEvent(name, { origin }),
    queued: aQueuedEvent("e1", { origin }),
    decision: { kind: "rejected", code, reason: "no" },
    masked,
  });
  return { outcome, round };
}

describe("a refused event", () => {
  it.each<readonly [Case, string]>([
    [{}, "parked"],
    [{ code: "STATE_UNKNOWN" }, "parked"],
    [{ parked: true }, "parked-again"],
    [{ code: "EVENT_UNDECLARED" }, "set-aside"],
    [{ code: "EVENT_UNDECLARED", parked: true }, "set-aside"],
    [{ code: "EVENT_UNDECLARED", mode: "drop" }, "set-aside"],
    [{ mode: "redeliver" }, "redeliver"],
    [{ mode: "redeliver", code: "EVENT_UNDECLARED" }, "redeliver"],
    [{ mode: "redeliver", parked: true }, "parked-again"],
    [{ mode: "redeliver", parked: true, code: "EVENT_UNDECLARED" }, "set-aside"],
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

  it("keeps its reason, its first refusal and the number of its tries", () => {
    const { round } = refuseOne({ parked: true, code: "MACHINE_INVALID" });

    expect(toChange(round).park).toEqual([
      {
        event: aQueuedEvent("e1"),
        code: "MACHINE_INVALID",
        reason: "no",
        parkedAt: 0,
        tries: 2,
        nextTryAt: 30_000,
      },
    ]);
  });

  it("keeps which of its keys must not be shown", () => {
    for (const code of ["EVENT_NOT_HANDLED", "EVENT_UNDECLARED"] as const) {
      const { round } = refuseOne({ code, masked: ["password"] });
      const { park, setAside } = toChange(round);

      expect([...park, ...setAside].map(({ masked }) => masked)).toEqual([["password"]]);
    }
  });

  it("is listed with its reason when it is set aside", () => {
    const { round } = refuseOne({ code: "EVENT_UNDECLARED" });

    expect(toChange(round).setAside).toEqual([
      { id: "id-000001", event: aQueuedEvent("e1"), code: "EVENT_UNDECLARED", reason: "no", setAsideAt: 1_000 },
    ]);
  });
});
