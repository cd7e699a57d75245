import type { UpgradePlan } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { formatPlan, formatUpgraded } from "./upgrade.ts";

const plain = { paint: (_style: string, text: string) => text };
const at = "2026-01-01T00:00:00.000Z";

function aPlan(plan: Partial<UpgradePlan> = {}): UpgradePlan {
  return {
    stackId: "pr-1",
    machine: "app",
    from: "a".repeat(64),
    to: "b".repeat(64),
    outcome: "applied",
    notes: [],
    events: [],
    replayed: 4,
    differences: [],
    more: 0,
    end: [],
    ...plan,
  };
}

describe("a plan", () => {
  it("shows what follows from the upgrade at once, and the digest that binds it", () => {
    const work = { sent: ["app-off"], cancelled: ["app"] };
    const events = [{ event: "CLOSED", cause: "timer", outcome: "applied", state: "GONE", ...work }] as const;

    const text = formatPlan(aPlan({ events, digest: "d".repeat(32) }), plain);

    expect(text).toContain("At once: CLOSED (timer that is due) leads to GONE, sends app-off, stops app");
    expect(text).toContain(`Pass --plan ${"d".repeat(32)}`);
  });

  it("says that nothing differs", () => {
    expect(formatPlan(aPlan(), plain)).toBe(
      [
        "pr-1 app aaaaaaaaaaaa → bbbbbbbbbbbb",
        "  The upgrade would be accepted.",
        "  4 lines of its history were replayed: nothing differs.",
      ].join("\n"),
    );
  });

  it("shows each place where the stack would have had another outcome, and how it would differ", () => {
    const differences: UpgradePlan["differences"] = [
      {
        eventId: "e1",
        event: "PUSHED",
        at,
        position: 7,
        before: { outcome: "applied", state: "BUILD", sent: ["network", "db"] },
        after: { outcome: "refused", code: "EVENT_NOT_HANDLED", state: "LIVE", sent: [] },
      },
      { eventId: "t1", event: "MERGED", at, after: { outcome: "removed", state: null, sent: ["remove"] } },
    ];
    const end = [{ what: "state", before: "BUILD", after: null }];

    expect(
      formatPlan(aPlan({ differences, more: 3, end }), plain)
        .split("\n")
        .slice(2),
    ).toEqual([
      "  4 lines of its history were replayed. These events would have had another outcome:",
      `    ${at}  PUSHED  BUILD sends network, db  →  refused EVENT_NOT_HANDLED`,
      `    ${at}  MERGED  –                        →  removed sends remove`,
      "  … and 3 more",
      "  On the new revision from its creation, the stack would differ in the following, which an upgrade does not change afterwards:",
      '    state: "BUILD" → null',
    ]);
  });

  it("has no heading for events when only the end differs", () => {
    const end = [{ what: "timer MERGED", before: "28th", after: "26th" }];

    expect(
      formatPlan(aPlan({ differences: [], end }), plain)
        .split("\n")
        .slice(2),
    ).toEqual([
      "  4 lines of its history were replayed.",
      "  On the new revision from its creation, the stack would differ in the following, which an upgrade does not change afterwards:",
      '    timer MERGED: "28th" → "26th"',
    ]);
  });

  it("says that it would be refused, and what it could not replay", () => {
    const refused = { outcome: "refused", code: "UPGRADE_STATE_MISSING", reason: "no LIVE." } as const;
    const { to: _, ...nowhere } = aPlan({ ...refused, code: "MACHINE_UNKNOWN", reason: "none." });

    expect(
      formatPlan(aPlan({ ...refused, replayed: 0, incomplete: "It was pruned." }), plain)
        .split("\n")
        .slice(1),
    ).toEqual(["  The upgrade would be refused (UPGRADE_STATE_MISSING): no LIVE.", "  It was pruned."]);
    expect(formatPlan(nowhere, plain)).toBe(
      "pr-1 app aaaaaaaaaaaa → none\n  The upgrade would be refused (MACHINE_UNKNOWN): none.",
    );
  });
});

describe("what became of a stack", () => {
  it("is one line", () => {
    expect(formatUpgraded({ stackId: "pr-1", outcome: "unchanged" }, plain)).toBe("pr-1 unchanged");
    expect(formatUpgraded({ stackId: "pr-1", outcome: "refused", code: "X", reason: "no" }, plain)).toBe(
      "pr-1 refused X: no",
    );
  });
});
