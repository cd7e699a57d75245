import { createMemoryStore } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Mapping, parseMapping } from "../mapping/mapping.ts";
import { toConvergeItem } from "../poll/converge.ts";
import { findUnsettled } from "../poll/find-unsettled.ts";
import { loadPullRecords } from "../pull/pull-records.ts";
import { aHook, aPull } from "../testing/builders.ts";
import { handleHook } from "./handle-hook.ts";
import type { HandleDeps } from "./publish-event.ts";

const DAY = 86_400_000;
const [repository] = [aHook().repository];

function read(when: boolean): readonly Mapping[] {
  const pull = "{ open: { send: OPENED }, head: { send: PUSHED }, closed: { send: CLOSED } }";
  const { mapping } = parseMapping(`host: github\nwhen: "${when}"\nmachine: m\nstack: s\npull: ${pull}`, "shop");
  return mapping === undefined ? [] : [mapping];
}

type Step =
  | { readonly kind: "change"; readonly state: "open" | "closed"; readonly head: number }
  | { readonly kind: "document"; readonly isWanted: boolean }
  | { readonly kind: "wait"; readonly days: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("change" as const),
      state: fc.constantFrom("open" as const, "closed" as const),
      head: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({ kind: fc.constant("document" as const), isWanted: fc.boolean() }),
    fc.record({ kind: fc.constant("wait" as const), days: fc.constantFrom(1, 14, 16) }),
  ),
  { minLength: 1, maxLength: 12 },
);

/** A yard that reads one pull request, whose events are applied at once. */
function createYard() {
  const clock = createFakeClock();
  const { records, queries } = createMemoryStore();
  const ids = new Set<string>();
  const repeated: string[] = [];
  const yard = { pull: aPull({ updatedAt: clock.now() }), isWanted: true, stack: undefined as string | undefined };
  const deps = (): HandleDeps => ({
    records,
    queries,
    clock,
    mappings: read(yard.isWanted),
    findPerson: () => undefined,
    summarizes: false,
    locator: { find: async () => ({ kind: "invalid" }) as never },
    codeHost: { findPull: async () => yard.pull } as unknown as HandleDeps["codeHost"],
    findStack: async () => (yard.stack === undefined ? undefined : ({} as never)),
    approve: async () => ({ kind: "accepted" }),
    foresee: async () => ({ kind: "applied" }),
    withdrawParked: async () => false,
    async publish({ id, event }) {
      if (ids.has(id)) repeated.push(id);
      ids.add(id);
      yard.stack = event === "CLOSED" ? undefined : yard.pull.head;
      return { kind: "accepted" };
    },
  });

  async function converge(): Promise<void> {
    const pulls = yard.pull.state === "open" ? [yard.pull] : [];
    const found = await loadPullRecords({ records, clock }, "github", repository.id);
    const at = { host: "github", repository, readAt: clock.now() };
    for (const each of findUnsettled(deps().mappings, { ...at, pulls, records: found })) {
      await handleHook(deps(), toConvergeItem({ ...at, ...each }).queued);
    }
  }

  async function apply(step: Step): Promise<void> {
    await clock.advance(300_000);
    if (step.kind === "wait") await clock.advance(step.days * DAY);
    if (step.kind === "document") yard.isWanted = step.isWanted;
    if (step.kind !== "change") return;
    yard.pull = { ...yard.pull, state: step.state, head: String(step.head).repeat(40), updatedAt: clock.now() };
  }

  const isOpen = (): boolean => yard.pull.state === "open" && yard.isWanted;
  return { yard, repeated, clock, records, converge, apply, isOpen };
}

describe("a pull request that is read again and again", () => {
  it("has its stack whenever it should, also after its record has expired, and no event id twice", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const { yard, repeated, apply, isOpen, converge } = createYard();
        for (const each of taken) {
          await apply(each);
          await converge();
          expect(yard.stack).toBe(isOpen() ? yard.pull.head : undefined);
        }
        expect(repeated).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("leaves no record behind a while after its end", async () => {
    const { yard, clock, records, converge } = createYard();
    await converge();
    yard.pull = { ...yard.pull, state: "closed", updatedAt: clock.now() };
    await converge();
    await clock.advance(14 * DAY);
    const before = await records.list("hooks/pulls/", { limit: 10, now: clock.now() });
    await clock.advance(2 * DAY);

    const after = await records.list("hooks/pulls/", { limit: 10, now: clock.now() });

    expect([before.items.length, after.items.length]).toEqual([1, 0]);
  });
});
