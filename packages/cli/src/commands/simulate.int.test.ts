import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseLines, runCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 2
events: [OPEN, CLOSE]
states:
  INIT: { on: { OPEN: WORK } }
  WORK: { tasks: [dig], timeout: 10m, on: { NEXT: DONE, TIMEOUT: LATE, CLOSE: GONE } }
  LATE: {}
  DONE: {}
  GONE: { terminal: true, leaving: cancel }
tasks:
  dig: { executor: lambda, config: { name: dig }, timeout: 1d }
`;
const NEWER = MACHINE.replace("TIMEOUT: LATE", "TIMEOUT: DONE").replace("OPEN: WORK", "OPEN: DONE");

const open = (stackId: string) => ({ event: { stackId, event: "OPEN", machine: "m" } });
const STEPS = [
  open("a"),
  open("b"),
  { load: "next/m.yaml" },
  { upgrade: "a", dryRun: true },
  { upgrade: "a" },
  { advance: "10m", stackId: "a" },
  open("c"),
];

describe("simulate with time and revisions", () => {
  let cwd = "";
  let remove = () => {};
  beforeEach(() => {
    const files = { "m.yaml": MACHINE, "next/m.yaml": NEWER, "other.yaml": NEWER };
    ({ folder: cwd, remove } = makeTempProject(files));
  });
  afterEach(() => remove());

  const run = (steps: readonly unknown[], ...rest: string[]) =>
    runCli(["simulate", "m.yaml", "--steps", "-", ...rest], { cwd, stdin: JSON.stringify(steps) });

  it("prints one object a step, by the clock that it was given", async () => {
    const { exitCode, stdout, stderr } = await run(STEPS, "--now", "2031-01-01T00:00:00Z", "--json");

    expect([exitCode, stderr]).toEqual([0, ""]);
    const [first, , loaded, planned, upgraded, advanced, later] = parseLines(stdout);
    expect(first).toMatchObject({ outcome: "applied", dispatched: ["dig"], stack: { state: "WORK" } });
    expect(loaded).toMatchObject({ outcome: "applied", dispatched: [] });
    const before = { outcome: "applied", state: "WORK", dispatched: ["dig"] };
    const after = { outcome: "applied", state: "DONE", dispatched: [] };
    expect(planned?.["differences"]).toEqual([{ step: 1, event: "OPEN", before, after }]);
    expect(upgraded).toMatchObject({ outcome: "applied", stack: { id: "a", state: "WORK" } });
    expect(advanced).toMatchObject({
      stack: { id: "a", state: "DONE" },
      others: [{ id: "b", stack: { state: "LATE" }, dispatched: [] }],
      fired: [
        { at: "2031-01-01T00:10:00.000Z", stackId: "a", outcome: "applied" },
        { at: "2031-01-01T00:10:00.000Z", stackId: "b", outcome: "applied" },
      ],
    });
    expect(later).toMatchObject({ stack: { id: "c", state: "DONE" } });
  });

  it("prints the same for people", async () => {
    const same = [open("c"), { upgrade: "c", dryRun: true }];
    const steps = [...STEPS.slice(0, 4), STEPS[5], ...same];

    const { exitCode, stdout } = await run(steps, "--now", "2031-01-01T01:00:00+01:00");

    expect([exitCode, stdout]).toEqual([
      0,
      `  1  OPEN a  applied
     WORK (was INIT) · dig RUNNING · sent dig
  2  OPEN b  applied
     WORK (was INIT) · dig RUNNING · sent dig
  3  load next/m.yaml  applied
     WORK (was INIT) · dig RUNNING
  4  upgrade a (dry run)  applied
     WORK (was INIT) · dig RUNNING
     step 1 OPEN: applied · WORK · sent dig would be applied · DONE
  5  advance 10m  applied
     LATE (was WORK)
     2031-01-01T00:10:00.000Z  TIMEOUT applied
     2031-01-01T00:10:00.000Z  TIMEOUT of b applied
     b: LATE (was WORK)
  6  OPEN c  applied
     DONE (was INIT)
  7  upgrade c (dry run)  applied
     DONE (was INIT)
     Every event of its history would do the same.
`,
    ]);
  });

  it("reports which tasks are cancelled", async () => {
    const { stdout } = await run([open("a"), { event: { stackId: "a", event: "CLOSE" } }]);

    expect(stdout).toMatch(/ 2 {2}CLOSE a {2}applied\n {5}GONE \(was WORK\) · asked to stop dig\n$/);
  });

  it("takes a file of another name for another machine, which moves no stack", async () => {
    const { stdout } = await run([open("a"), { load: "other.yaml" }, { upgrade: "a" }], "--json");

    const [, loaded, upgraded] = parseLines(stdout);
    expect(loaded).toMatchObject({ outcome: "applied" });
    expect(upgraded).toMatchObject({ stack: { machine: "m", state: "WORK" } });
    const none = await run([open("a"), { load: "none.yaml" }]);
    expect([none.exitCode, none.stderr]).toEqual([3, expect.stringContaining("none.yaml")]);
  });

  it.each(["tomorrow", "2031-01-01T00:00:00", "2031-13-01", "2031-02-31", "2031-02-31T00:00:00Z"])(
    "does not take %s for an instant",
    async (now) => {
      const { exitCode, stderr } = await run([open("a")], "--now", now);

      expect([exitCode, stderr]).toEqual([64, expect.stringMatching(/Invalid time[\s\S]*2030-01-01T00:00:00Z/)]);
    },
  );

  it("takes a day for its beginning in UTC", async () => {
    const { stdout } = await run([open("a"), { advance: "10m" }], "--now", "2031-01-01", "--json");

    expect(parseLines(stdout)[1]).toMatchObject({ fired: [{ at: "2031-01-01T00:10:00.000Z" }] });
  });
});
