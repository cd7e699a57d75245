import type { CommitVerdict } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { type CommitLine, evaluateNote, findElsewhere, NO_COMMITS, noteLines, notePresent } from "./commit-notes.ts";

const [ONE, TWO, OTHER] = ["1".repeat(40), "2".repeat(40), "9".repeat(40)];
const events = { heads: new Set([ONE, TWO]) };
const of = (id: string | undefined, is: CommitVerdict["is"], more: Partial<CommitVerdict> = {}): CommitVerdict => ({
  ...(id !== undefined && { id }),
  value: id ?? "main",
  is,
  ...more,
});

function read(...given: readonly Partial<CommitLine>[]) {
  const lines = given.map((line, index): CommitLine => {
    return { position: index + 1, eventId: `e${index}`, event: "PUSHED", outcome: "applied", ...line };
  });
  return noteLines(NO_COMMITS, lines, { ...events, closed: "closing" });
}

function show(notes: ReturnType<typeof read>): readonly string[] {
  return notes.notes.map((note) => {
    const { kind, why } = evaluateNote(note, notes, "ready");
    return `${note.head[0]} ${kind}${why === undefined ? "" : ` ${why}`}`;
  });
}

const failed = (task: string, why: "failed" | "left" = "failed") => ({ lack: { task, why } });

describe("the commits of a stack", () => {
  it("have the ends that its history states", () => {
    const notes = read(
      { commits: [of(ONE, "open")] },
      { commits: [of(ONE, "replaced"), of(TWO, "open")] },
      { commits: [of(TWO, "failed", failed("up"))], task: "up", code: "BOOM", description: "It broke." },
    );

    expect(show(notes)).toEqual(["1 replaced", '2 failed "up" has failed (BOOM: It broke.)']);
  });

  it("have failed where an event left a task, but not where their pull request was closed", () => {
    const begun = { commits: [of(ONE, "open")] };
    const left = { event: "ABORT", from: "ROLL", commits: [of(ONE, "failed", failed("up", "left"))] };

    expect(show(read(begun, left))).toEqual(['1 failed "ABORT" left ROLL before "up" was done.']);
    expect(show(read(begun, { ...left, eventId: "closing" }, { outcome: "removed" }))).toEqual(["1 ended"]);
  });

  it("say why their event was not applied, until it is", () => {
    const refused = { outcome: "refused", code: "NO", reason: "No.", commit: { id: TWO, key: "sha" } } as const;

    expect(show(read({ commits: [of(ONE, "done")] }, refused))).toEqual([
      "1 done",
      '2 failed "PUSHED" was refused (NO): No.',
    ]);
    expect(show(read(refused, { commits: [of(TWO, "open")] }, refused))).toEqual(["2 pending"]);
  });

  it("do not run any more where the stack has one that is not known", () => {
    for (const other of [of(OTHER, "open"), of(undefined, "noted")]) {
      const notes = read({ commits: [of(ONE, "done")] }, { commits: [of(ONE, "done"), other] });

      expect(notes.running).toBeUndefined();
      expect(findElsewhere(notes)).toEqual(other.id === undefined ? {} : { commit: OTHER });
    }
  });

  it("are recognized by the value under which they were brought", () => {
    const notes = read(
      { commits: [of(ONE, "done", { value: "tag-1" })] },
      { commits: [of(TWO, "done", { value: "tag-2" })] },
      { commits: [{ value: "tag-1", is: "open" }] },
    );

    expect(show(notes)).toEqual(["1 pending", "2 done"]);
  });

  it("are what they were where the machine has set them again and runs nothing", () => {
    const notes = read({ commits: [of(ONE, "failed")] }, { commits: [of(ONE, "noted")] });

    expect(show(notePresent(notes, of(ONE, "noted"), { ...events, phase: "ready" }))).toEqual(["1 failed"]);
  });

  it("are done once the stack is ready with values that nothing works with, and not in its sleep", () => {
    const notes = read({ commits: [of(ONE, "noted")] });
    const end = (phase: "ready" | "asleep") => notePresent(notes, of(ONE, "noted"), { ...events, phase });

    expect([show(end("asleep")), show(end("ready")), end("ready").running]).toEqual([["1 pending"], ["1 done"], ONE]);
  });

  it("are read from the stack where its lines are gone", () => {
    expect(show(notePresent(NO_COMMITS, of(ONE, "failed", failed("up")), { ...events, phase: "failed" }))).toEqual([
      '1 failed "up" has not done its work.',
    ]);
  });
});
