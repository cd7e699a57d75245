import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyPull } from "../mapping/apply-mapping.ts";
import { type Mapping, parseMapping } from "../mapping/mapping.ts";
import { NO_PULL, type PullRecord } from "../pull/decide-pull.ts";
import { aHook, aPull, toCommit } from "../testing/builders.ts";
import { findUnsettled } from "./find-unsettled.ts";

const DOCUMENT = `host: github
when: "'preview' in hook.pull.labels"
machine: preview
stack: "pr-\${hook.pull.number}"
pull: { open: { send: OPENED }, head: { send: PUSHED }, closed: { send: CLOSED } }
`;

const { repository } = aHook();

function toMappings(source = DOCUMENT): readonly Mapping[] {
  const { mapping } = parseMapping(source, "shop");
  return mapping === undefined ? [] : [mapping];
}

const opened: PullRecord = {
  phase: "open",
  head: toCommit(1),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of a mapping document.
  target: { mapping: "shop", stackId: "pr-7", template: "pr-${hook.pull.number}" },
  updatedAt: 1_000,
};

function listNumbers(record: PullRecord | undefined, pulls = [aPull()], mappings = toMappings()) {
  const records = new Map(record === undefined ? [] : [[7, record] as const]);
  return findUnsettled(mappings, { host: "github", repository, pulls, records, readAt: 1_000_000 }).map(
    ({ number }) => number,
  );
}

describe("pull requests that need a decision", () => {
  it.each([
    ["it was never decided on", undefined, [aPull()], [7]],
    ["its stack is that of its head", opened, [aPull({ updatedAt: 9_000 })], []],
    ["it has another head", opened, [aPull({ head: toCommit(2), updatedAt: 9_000 })], [7]],
    ["no document is for it", undefined, [aPull({ labels: [] })], []],
    ["it lost its label", opened, [aPull({ labels: [], updatedAt: 9_000 })], [7]],
    ["it is not open any more", opened, [], [7]],
    ["it was closed before", { ...opened, phase: "none" } as const, [], []],
    ["its fork is not trusted", undefined, [aPull({ fork: true })], []],
    ["the list is older than the decision", { ...opened, updatedAt: 9_000 }, [aPull({ head: toCommit(2) })], []],
  ])("are found: %s", (_, record, pulls, expected) => {
    expect(listNumbers(record, pulls)).toEqual(expected);
  });

  it("are not found when their document has another template, as they keep their stacks", () => {
    expect(listNumbers(opened, [aPull()], toMappings(DOCUMENT.replace("pr-", "preview-")))).toEqual([]);
  });

  it("are found when the same template names another stack", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of a mapping document.
    const target = { mapping: "shop", template: "pr-${hook.pull.number}", stackId: "pr-8" };
    expect(listNumbers({ ...opened, target })).toEqual([7]);
  });

  it("are found when their document fails", () => {
    expect(listNumbers(opened, [aPull()], toMappings(DOCUMENT.replace("pull.number", "pull.missing")))).toEqual([7]);
  });

  it("are all for which an event would follow, whether their stacks exist or not", () => {
    const facts = fc.record({
      head: fc.integer({ min: 1, max: 2 }),
      trusted: fc.integer({ min: 1, max: 2 }),
      decidedOn: fc.integer({ min: 1, max: 2 }),
      phase: fc.constantFrom("none", "open"),
      labels: fc.constantFrom(["preview"], []),
      fork: fc.boolean(),
      hasStack: fc.boolean(),
    });
    fc.assert(
      fc.property(facts, ({ head, trusted, decidedOn, phase, labels, fork, hasStack }) => {
        const before = phase === "open" ? opened : NO_PULL;
        const record = { ...before, head: toCommit(decidedOn), trustedHead: toCommit(trusted), updatedAt: 1_000 };
        const pull = aPull({ head: toCommit(head), labels, fork });
        const hook = aHook({ pull });
        const applied = applyPull(
          toMappings(),
          { host: "github", hook: { ...hook, pull } },
          { record, hasStack, isAsked: false },
        );

        if (applied.kind === "send") expect(listNumbers(record, [pull])).toEqual([7]);
      }),
    );
  });
});
