import { describe, expect, it } from "vitest";
import {
  type ChainReport,
  checkChain,
  EMPTY_HEAD,
  hashLine,
  type KnownHead,
  PRUNER,
  toLineText,
} from "./audit-chain.ts";
import type { AuditEntry, AuditLine } from "./audit-entry.ts";

function anEntry(id: string): AuditEntry {
  const who = { kind: "person", id: "00u1", name: "ada", groups: [] } as const;
  return { id, at: 1_000, action: "CANCEL_TASK", outcome: "done", who, via: "api", on: { stackId: "pr-1" } };
}

/** A chain of so many lines, and its head. */
function aChain(count: number, last: Partial<AuditEntry> = {}) {
  const texts: string[] = [];
  let { seq, hash } = EMPTY_HEAD;
  for (let index = 1; index <= count; index += 1) {
    const entry = index === count ? { ...anEntry(`01${index}`), ...last } : anEntry(`01${index}`);
    const text = toLineText(entry, { seq, hash });
    texts.push(text);
    [seq, hash] = [seq + 1, hashLine(text)];
  }
  return { texts, head: { seq, hash, first: EMPTY_HEAD.first } };
}

const DAY_MS = 86_400_000;
const NOW = 400 * DAY_MS;

function check(texts: readonly string[], head?: KnownHead): ChainReport {
  const checking = checkChain(head, NOW);
  for (const text of texts) checking.add(text);
  return checking.end();
}

function edit(text: string | undefined, change: Partial<AuditLine>): string {
  return JSON.stringify({ ...(JSON.parse(text ?? "{}") as AuditLine), ...change });
}

describe("checkChain", () => {
  const { texts, head } = aChain(6);
  const at = (seq: number) => texts[seq - 1];

  it("accepts a whole chain, with a head, with a noted hash and without", () => {
    const whole = { kind: "whole", lines: 6, first: 1, last: { seq: 6, hash: head.hash } };

    expect(check(texts)).toEqual(whole);
    expect(check(texts, head)).toEqual(whole);
    expect(check(texts, { hash: head.hash })).toEqual(whole);
    expect(check(texts, { hash: hashLine(at(3) ?? "") })).toEqual(whole);
    expect(check([], EMPTY_HEAD)).toEqual({ kind: "whole", lines: 0, first: 0, last: { seq: 0, hash: "" } });
  });

  it("accepts lines that came after the head", () => {
    expect(check(texts, { ...head, seq: 4, hash: hashLine(at(4) ?? "") })).toMatchObject({ kind: "whole", lines: 6 });
  });

  /** Of the first line: it is older than the least retention. */
  const late = 2_000 + 30 * 86_400_000;
  const prune = { action: "pruneAudit", at: late, who: PRUNER, via: "host", on: { key: "1-2" } } as const;

  it("accepts a chain whose beginning was pruned, as the head says it", () => {
    const pruned = aChain(6, prune);
    const first = { seq: 3, prev: hashLine(pruned.texts[1] ?? "") };

    expect(check(pruned.texts.slice(2), { ...pruned.head, first })).toMatchObject({
      kind: "whole",
      lines: 4,
      first: 3,
    });
    expect(check(pruned.texts.slice(2))).toMatchObject({ kind: "whole", first: 3 });
  });

  it("accepts a chain that was pruned twice, and no pruning that does not continue the one before", () => {
    const twice = (key: string) => {
      const { texts } = aChain(6, { ...prune, on: { key: "1-1" } });
      return [
        ...texts,
        toLineText({ ...anEntry("017"), ...prune, on: { key } }, { seq: 6, hash: hashLine(texts[5] ?? "") }),
      ];
    };

    expect(check(twice("2-3").slice(3))).toMatchObject({ kind: "whole", first: 4 });
    for (const key of ["1-3", "3-3", "4-3"]) expect(check(twice(key).slice(3))).toMatchObject({ kind: "broken" });
  });

  it.each([
    ["the lines were as young as the first that is left", { ...prune, at: late - 2_000 }],
    ["no line says that", {}],
    ["a line says that fewer lines were pruned", { ...prune, on: { key: "1-1" } }],
    ["a line says that more lines were pruned", { ...prune, on: { key: "1-3" } }],
    ["an event has the name of the action", { ...prune, who: anEntry("").who, via: "api" }],
    ["a program names itself so", { ...prune, who: { ...PRUNER, kind: "token" } }],
    ["the line says nothing", { ...prune, on: {} }],
  ] as const)("notices that the beginning was removed when %s", (_, last) => {
    const chain = aChain(6, last);
    const first = { seq: 3, prev: hashLine(chain.texts[1] ?? "") };
    const broken = { kind: "broken", fault: { kind: "beginning", seq: 3 } };

    expect(check(chain.texts.slice(2), { ...chain.head, first })).toEqual(broken);
    expect(check(chain.texts.slice(2))).toEqual(broken);
    expect(check(chain.texts.slice(2), { hash: chain.head.hash })).toEqual(broken);
  });

  const dates = [NOW, NOW + 31 * DAY_MS, NOW + 36_500 * DAY_MS, Number.MAX_SAFE_INTEGER];
  it.each([1, 5, 20, 39].flatMap((cut) => dates.map((date) => [cut, date] as const)))(
    "is not told why %i lines are missing by a line of its own date %i",
    (cut, date) => {
      const add = (texts: readonly string[], entry: AuditEntry, seq: number) => [
        ...texts,
        toLineText(entry, { seq, hash: seq === 0 ? "" : hashLine(texts.at(-1) ?? "") }),
      ];
      const start = NOW - 10 * DAY_MS;
      const honest = Array.from({ length: 40 }, (_, index) => index).reduce<readonly string[]>(
        (lines, index) => add(lines, { ...anEntry(`l${index}`), at: start + index * 3_600_000 }, index),
        [],
      );
      const forged = add(honest, { ...anEntry("p"), ...prune, at: date, on: { key: `1-${cut}` } }, 40);
      const followed = add(forged, { ...anEntry("q"), at: NOW }, 41);
      const noted = { hash: hashLine(honest.at(-1) ?? "") };

      const found = [forged, followed].flatMap((lines) => [check(lines.slice(cut)), check(lines.slice(cut), noted)]);

      expect(new Set(found.map((each) => JSON.stringify(each)))).toEqual(
        new Set([JSON.stringify({ kind: "broken", fault: { kind: "beginning", seq: cut + 1 } })]),
      );
    },
  );

  it("notices that the head of a log with lines was removed", () => {
    expect(check(texts, EMPTY_HEAD)).toEqual({ kind: "broken", fault: { kind: "head", seq: 1 } });
  });

  it.each([1, 2, 4, 5, 6])("names line %i when it is changed", (seq) => {
    const changed = texts.with(seq - 1, edit(at(seq), { reason: "none" }));

    expect(check(changed, head)).toEqual({ kind: "broken", fault: { kind: "changed", seq } });
  });

  it.each([1, 2, 4, 6])("names line %i when what it says about the line before is changed", (seq) => {
    const changed = texts.with(seq - 1, edit(at(seq), { prev: "0".repeat(64) }));

    expect(check(changed, head)).toEqual({ kind: "broken", fault: { kind: "changed", seq } });
  });

  it.each([1, 3, 6])("names line %i when it is removed", (seq) => {
    expect(check(texts.toSpliced(seq - 1, 1), head)).toEqual({ kind: "broken", fault: { kind: "removed", seq } });
  });

  it("names a line that does not belong there, and one that is not a line", () => {
    expect(check(texts.toSpliced(3, 0, at(2) ?? ""), head)).toEqual({
      kind: "broken",
      fault: { kind: "foreign", seq: 2 },
    });
    for (const text of ["", "{}", "[]", "null", '{"seq":4}']) {
      expect(check(texts.with(3, text), head)).toEqual({ kind: "broken", fault: { kind: "changed", seq: 4 } });
    }
  });

  it("notices a missing end by a noted hash", () => {
    expect(check(texts.slice(0, 5), { hash: head.hash })).toEqual({ kind: "broken", fault: { kind: "end", seq: 5 } });
    expect(check([], { hash: head.hash })).toEqual({ kind: "broken", fault: { kind: "end", seq: 0 } });
  });

  it("notices that an attacker has computed all later hashes anew", () => {
    const forged: string[] = [];
    let last = { seq: 0, hash: "" };
    for (const text of texts) {
      const { seq: _, prev: __, ...entry } = JSON.parse(text) as AuditLine;
      const line = toLineText(entry.id === "013" ? { ...entry, reason: "none" } : entry, last);
      forged.push(line);
      last = { seq: last.seq + 1, hash: hashLine(line) };
    }

    expect(check(forged)).toMatchObject({ kind: "whole" });
    expect(check(forged, head)).toEqual({ kind: "broken", fault: { kind: "changed", seq: 6 } });
    expect(check(forged, { hash: head.hash })).toEqual({ kind: "broken", fault: { kind: "end", seq: 6 } });
  });
});
