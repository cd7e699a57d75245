import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pullSteps, type Step } from "../testing/pull-oracle.ts";
import { openPullWorld } from "../testing/pull-world.ts";

const back = (choice: number, own = 0): Step => ({ kind: "back", pull: own, choice });
const thaw = (choice: number, own = 0): Step => ({ kind: "thaw", pull: own, choice });
const restore = (own = 0): Step => ({ kind: "restore", pull: own, choice: 0 });
const push = (isLost: boolean, own = 0): Step => ({ kind: "push", pull: own, isLost });
const move = (choice: number, own = 0): Step => ({ kind: "move", pull: own, choice });
const close = (isLost: boolean): Step => ({ kind: "close", pull: 0, isLost });
/** Rejected, failed and refused, renamed meanwhile, by two servers of which one is frozen; closed in its sleep. */
const LIVES: [readonly Step[]][] = [
  [[move(0), move(1), push(false), { kind: "freeze" }, close(true)]],
  // A second drift check, after a roll-out and a first drift check have failed.
  [[move(1), move(0), move(1), move(0), move(0)]],
  [
    [
      push(true),
      move(1),
      { kind: "forbid" },
      push(false),
      { kind: "rename" },
      push(true, 1),
      { kind: "allow" },
      move(0),
    ],
  ],
  // What was refused is sent again when the stack has woken.
  [[move(0), { kind: "forbid" }, push(false), move(1), { kind: "allow" }, move(0)]],
  // Another server than the one that knew the former name of the repository reports.
  [[{ kind: "freeze" }, { kind: "rename" }, move(0)]],
  // The roll-out of the second commit fails, then the worker of the first one's thaws and says that it has succeeded.
  [[push(false), move(0), move(1), thaw(0)]],
  // The roll-out of the second commit fails, and a person brings back the first one, which succeeds.
  [[move(0), push(false), move(0), move(1), back(0), move(0), move(0)]],
  // The machine brings back the first one, which fails and then succeeds; a stopped run of a third one leaves it there.
  [
    [
      move(0),
      push(false),
      move(0),
      move(1),
      restore(),
      move(0),
      move(1),
      restore(),
      move(0),
      move(0),
      push(true),
      move(0),
      move(2),
      { kind: "rehost" },
    ],
  ],
  // A stopped run leaves the first commit there, then the drift is checked.
  [[move(0), push(false), move(0), move(2), move(0), move(0)]],
  // All that happens to a commit after the first one happens between two reports.
  [[move(0), { kind: "blind" }, push(false), move(0), move(1), restore(), move(0), move(0), { kind: "see" }]],
  // Names of the host and the document change while a commit is rolled out, and while an event is refused.
  [
    [
      { kind: "rehost" },
      move(0),
      push(true),
      { kind: "refile" },
      { kind: "forbid" },
      push(false),
      { kind: "rehost" },
      { kind: "allow" },
      close(true),
    ],
  ],
];

const RUNS = LIVES.length + (process.env["LONG_TESTS"] ? 200 : 3);

describe("whatever happens to pull requests", () => {
  it("the check of each commit says what became of that commit, and a deployment is active where it runs", {
    timeout: RUNS * 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(pullSteps, async (played) => {
        const world = await openPullWorld();
        try {
          for (const step of played) {
            await world.play(step);
            const { seen, expected } = world.compareHost();
            expect(seen, JSON.stringify(step)).toEqual(expected);
          }
        } finally {
          await world.stop();
        }
      }),
      { numRuns: RUNS, examples: LIVES },
    );
  });
});
