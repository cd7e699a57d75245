import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aPull, toCommit } from "../testing/builders.ts";
import { decidePull, NO_PULL, type PullFacts, type PullRecord, trustHead } from "./decide-pull.ts";

const target = { mapping: "preview", stackId: "shop-pr-7" };

function facts(over: Partial<PullFacts> = {}): PullFacts {
  return { pull: aPull(), target, forks: "trust", hasStack: false, isAsked: false, ...over };
}

const opened: PullRecord = { phase: "open", head: toCommit(1), target, updatedAt: 1_000 };

describe("decidePull", () => {
  it("opens a stack for a wanted pull request", () => {
    expect(decidePull(NO_PULL, facts())).toEqual({ kind: "send", rule: "open", target, record: opened });
  });

  it("sends nothing twice for the same head", () => {
    expect(decidePull(opened, facts({ hasStack: true }))).toEqual({ kind: "nothing", record: opened });
  });

  it("keeps what is there for a pull request without commits, and begins nothing for it", () => {
    const pull = aPull({ head: "0".repeat(40), updatedAt: 2_000 });

    expect(decidePull(opened, facts({ pull, hasStack: true }))).toMatchObject({
      kind: "nothing",
      record: { phase: "open" },
    });
    expect(decidePull(NO_PULL, facts({ pull }))).toMatchObject({ kind: "nothing", record: { phase: "none" } });
  });

  it("lets a close win over another change of the same second, unless the host was just asked", () => {
    const closed: PullRecord = { ...opened, phase: "none", isClosed: true };

    expect(decidePull(closed, facts())).toEqual({ kind: "stale" });
    expect(decidePull(closed, facts({ isRead: true }))).toMatchObject({ kind: "send", rule: "open" });
    expect(decidePull(opened, facts({ pull: aPull({ state: "closed" }), hasStack: true }))).toMatchObject({
      rule: "closed",
    });
  });

  it("sends the same head again when that is requested, as the stack is now", () => {
    expect(decidePull(opened, facts({ isRerun: true, hasStack: true }))).toMatchObject({ rule: "head" });
    expect(decidePull(opened, facts({ isRerun: true }))).toMatchObject({ rule: "open" });
    // It is still being removed.
    expect(decidePull(opened, facts({ isRerun: true, hasStack: true, isEnding: true }))).toMatchObject({
      rule: "open",
    });
  });

  it("sends another head to the stack", () => {
    const pull = aPull({ head: toCommit(2), updatedAt: 2_000 });

    expect(decidePull(opened, facts({ pull, hasStack: true }))).toEqual({
      kind: "send",
      rule: "head",
      target,
      record: { phase: "open", head: toCommit(2), target, updatedAt: 2_000 },
    });
  });

  it("lets a stack that ended return with the next head, or when a person requests it", () => {
    expect(decidePull(opened, facts())).toEqual({ kind: "nothing", record: opened });
    expect(decidePull(opened, facts({ isAsked: true }))).toMatchObject({ kind: "send", rule: "open" });
    const pull = aPull({ head: toCommit(2) });
    expect(decidePull(opened, facts({ pull }))).toMatchObject({ kind: "send", rule: "open" });
  });

  it.each([
    ["is closed", facts({ pull: aPull({ state: "closed" }), hasStack: true })],
    ["no longer matches", facts({ target: undefined, hasStack: true })],
    ["is now another stack's", facts({ target: { ...target, stackId: "shop-7" }, hasStack: true })],
    ["comes from a fork, which are ignored", facts({ pull: aPull({ fork: true }), forks: "ignore", hasStack: true })],
  ])("closes the stack of a pull request that %s", (_, given) => {
    expect(decidePull(opened, given)).toEqual({
      kind: "send",
      rule: "closed",
      target,
      record: { ...opened, phase: "none", ...(given.pull.state === "closed" && { isClosed: true }) },
    });
  });

  it("sends nothing to a stack that ended: the event would create it anew", () => {
    expect(decidePull(opened, facts({ pull: aPull({ state: "closed" }) }))).toMatchObject({
      kind: "nothing",
      record: { phase: "none" },
    });
  });

  it("opens again when a pull request is opened again", () => {
    expect(decidePull({ ...opened, phase: "none" }, facts())).toMatchObject({ kind: "send", rule: "open" });
  });

  it("ignores facts that are older than those that it decided on", () => {
    const pull = aPull({ updatedAt: 999, state: "closed" });

    expect(decidePull(opened, facts({ pull, hasStack: true }))).toEqual({ kind: "stale" });
  });

  it("waits for the trust of a fork's head, and again after the next push", () => {
    const pull = aPull({ fork: true });
    const waiting = decidePull(NO_PULL, facts({ pull }));
    expect(waiting).toMatchObject({ kind: "waits-for-trust" });

    const trusted = trustHead(NO_PULL, pull.head);
    expect(decidePull(trusted, facts({ pull }))).toMatchObject({ kind: "send", rule: "open" });

    const pushed = aPull({ fork: true, head: toCommit(2) });
    const record = { ...trusted, phase: "open", head: pull.head, target } as const;
    expect(decidePull(record, facts({ pull: pushed, hasStack: true }))).toMatchObject({ kind: "waits-for-trust" });
  });

  it("leads to the stack that the newest facts want, from any order of lost and doubled deliveries", () => {
    const history = fc.array(
      fc.record({ isOpen: fc.boolean(), matches: fc.boolean(), head: fc.integer({ min: 1, max: 3 }) }),
      { minLength: 1, maxLength: 8 },
    );
    const order = fc.array(fc.nat(), { maxLength: 30 });
    fc.assert(
      fc.property(history, order, (changes, deliveries) => {
        const all = changes.map(({ isOpen, matches, head }, index) => ({
          target: matches ? target : undefined,
          pull: aPull({ state: isOpen ? "open" : "closed", head: toCommit(head), updatedAt: (index + 1) * 1_000 }),
        }));
        const yard = createYard();
        for (const delivery of deliveries) yard.receive(at(all, delivery % all.length));
        // What converging does at last: the facts of now.
        const now = at(all, all.length - 1);
        yard.receive(now);

        const isWanted = now.pull.state === "open" && now.target !== undefined;
        expect(yard.stack).toBe(isWanted ? now.pull.head : undefined);
        expect(decidePull(yard.record, facts({ ...now, hasStack: yard.stack !== undefined })).kind).toBe("nothing");
      }),
    );
  });
});

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`Item ${index} is missing.`);
  return found;
}

/** A yard that does what the events say at once. */
function createYard() {
  return {
    record: NO_PULL,
    stack: undefined as string | undefined,
    receive(given: Pick<PullFacts, "pull" | "target">) {
      const decision = decidePull(this.record, facts({ ...given, hasStack: this.stack !== undefined }));
      if (decision.kind === "stale") return;
      this.record = decision.record;
      if (decision.kind === "send") this.stack = decision.rule === "closed" ? undefined : given.pull.head;
    },
  };
}
