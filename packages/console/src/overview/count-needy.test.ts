import { describe, expect, it } from "vitest";
import type { ConditionCounts } from "../api/use-main-conditions.ts";
import { countNeedy, formatNeedy, formatNeedyNote, MOST_JOBS } from "./count-needy.ts";

const NONE = { all: new Map(), needy: new Map() };
const counts: ConditionCounts = {
  all: new Map([
    ["failed", 6],
    ["degraded", 4],
    ["approval", 2],
    ["busy", 9],
  ]),
  needy: new Map([
    ["failed", 6],
    ["approval", 2],
  ]),
};

describe("what needs a person", () => {
  it("is counted once for the sentence of the page and the note of its panel, without what was acknowledged", () => {
    const needy = countNeedy(counts, 1);

    expect(needy).toEqual({ stacks: 8, jobs: 1 });
    expect(formatNeedy(needy)).toBe("8 need attention, and 1 job has failed.");
    expect(formatNeedyNote(needy)).toBe("8 stacks, 1 job, by cause");
  });

  it("does not take the jobs that are loaded for all", () => {
    expect(formatNeedy(countNeedy(counts, MOST_JOBS))).toBe("8 need attention, and 10 or more jobs have failed.");
    expect(formatNeedyNote(countNeedy(counts, MOST_JOBS))).toBe("8 stacks, 10 or more jobs, by cause");
    expect(formatNeedy(countNeedy(counts, MOST_JOBS - 1))).toBe("8 need attention, and 9 jobs have failed.");
  });

  it("is only jobs where all stacks are well, and nothing where all is well", () => {
    expect(formatNeedy(countNeedy(NONE, 2))).toBe("None needs attention, but 2 jobs have failed.");
    expect(formatNeedyNote(countNeedy(NONE, 2))).toBe("2 jobs, by cause");
    expect(formatNeedy(countNeedy({ ...NONE, needy: new Map([["failed", 1]]) }, 0))).toBe("1 needs attention.");
    expect(formatNeedy(countNeedy(NONE, 0))).toBe("None needs attention.");
  });

  it("keeps what is known of stacks while jobs are not, and says that of none (skypilot#8371)", () => {
    expect(formatNeedy(countNeedy(counts, "failed"))).toBe("8 need attention. Failed jobs could not be loaded.");
    expect(formatNeedy(countNeedy(NONE, "failed"))).toBe("Failed jobs could not be loaded.");
    expect(formatNeedy(countNeedy(counts, "loading"))).toBe("8 need attention.");
    expect(formatNeedy(countNeedy(NONE, "loading"))).toBe("");
    expect(formatNeedyNote(countNeedy(counts, "failed"))).toBe("8 stacks, by cause");
  });
});
