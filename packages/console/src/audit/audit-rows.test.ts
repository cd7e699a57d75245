import type { AuditLine } from "@stackyard/sdk";
import { expect, it } from "vitest";
import { formatTimes, toAuditRows } from "./audit-rows.ts";

function aLine(seq: number, fields: Partial<AuditLine> = {}): AuditLine {
  return {
    seq,
    prev: "",
    id: `l${seq}`,
    at: `2026-01-01T14:00:0${seq}Z`,
    action: "createToken",
    outcome: "done",
    who: { kind: "token", id: "t1", name: "ci", groups: [] },
    via: "api",
    on: { key: `token-${seq}` },
    ...fields,
  };
}

const dayOf = (at: string) => at.slice(0, 10);

const seqsOf = (lines: readonly AuditLine[]) => toAuditRows(lines, dayOf).map(({ line }) => line.seq);

it("shows what was begun only while it is not done", () => {
  expect(seqsOf([aLine(2, { of: "l1" }), aLine(1, { outcome: "begun" })])).toEqual([2]);
  expect(seqsOf([aLine(1, { outcome: "begun" })])).toEqual([1]);
});

it("shows the newest first by instant, not in the order in which lines arrived", () => {
  expect(seqsOf([aLine(3), aLine(2, { at: "2026-01-01T15:00:00Z" }), aLine(1)])).toEqual([2, 3, 1]);
});

it("shows the start of a job once", () => {
  const start = aLine(3, { action: "START", on: { machine: "stackyard.run", stackId: "run-1", eventId: "e1" } });
  const call = aLine(2, { action: "startJob", on: { machine: "stackyard.run", jobId: "run-1" } });

  expect(seqsOf([start, call])).toEqual([2]);
  expect(seqsOf([start])).toEqual([3]);
});

it("shows acts that differ only in their instant as one, with how often", () => {
  const on = { stateKey: "shop/prod" };
  const rows = toAuditRows([aLine(3, { on }), aLine(2, { on, count: 4 }), aLine(1, { on, reason: "restored" })], dayOf);

  expect(rows.map(({ line, times }) => [line.seq, times])).toEqual([
    [3, 5],
    [1, 1],
  ]);
  expect([1, 2, 5].map(formatTimes)).toEqual(["", "twice", "5 times"]);
});

it("keeps equal acts of two days apart: each is in the list of its own day", () => {
  const on = { stateKey: "shop/prod" };

  expect(seqsOf([aLine(2, { on, at: "2026-01-02T00:00:01Z" }), aLine(1, { on, at: "2026-01-01T23:59:59Z" })])).toEqual([
    2, 1,
  ]);
});
