// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import { parseMachine } from "../../machine/parse-machine.ts";
import type { Release, Stack } from "../../machine/stack.ts";
import { aStack } from "../../testing/builders.ts";
import { type BoardPlace, createBoardTally, findLag, listBoardPlaces } from "./board.ts";

const MACHINE = `
version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states:
  INIT: { on: { RELEASED: STAGING } }
  STAGING: { tasks: [check, staging], on: { NEXT: PRODUCTION } }
  PRODUCTION: { tasks: [tenants, undo], on: { NEXT: DONE } }
  DONE: { terminal: true }
tasks:
  tenants: { executor: deploy, config: { stacks: { machine: tenant, where: "metadata.ring == 'canary'" }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE], failed: [BROKEN] } }
  undo: { executor: deploy, config: { op: undo, of: tenants, stacks: { machine: tenant }, metadata: { api: x } } }
  check: { executor: lambda, config: { name: check } }
  staging: { executor: deploy, config: { stacks: shop-staging, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
`;

const PLACE: BoardPlace = {
  task: "tenants",
  target: { machine: "tenant" },
  keys: ["api"],
  until: ["LIVE"],
  failed: ["BROKEN"],
};

const release = (createdAt: number, value: string, given: Partial<Release> = {}): { readonly api: Release } => ({
  api: {
    id: `shop-${value}`,
    incarnation: "r1",
    createdAt,
    task: "tenants",
    event: "e",
    value,
    at: createdAt + 10,
    ...given,
  },
});

const stack = (id: string, given: Partial<Stack> = {}) => {
  const at = { enteredAt: 5, state: "LIVE", metadata: { api: "1" }, releases: release(100, "1") };
  return aStack({ id, machine: "tenant", ...at, ...given, tasks: given.tasks ?? [] });
};

function tally(...stacks: readonly Stack[]) {
  const counted = createBoardTally(PLACE);
  for (const each of stacks) counted.add(each);
  return counted.list();
}

describe("the environments of a machine", () => {
  it("are its tasks that send, in the order in which states reach them", () => {
    const { machine, problems } = parseMachine(MACHINE, { name: "shop-release" });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);

    expect(machine && listBoardPlaces(machine)).toEqual([
      { task: "staging", target: { stack: "shop-staging" }, keys: ["api"], until: ["LIVE"], failed: [] },
      {
        task: "tenants",
        target: { machine: "tenant", where: "metadata.ring == 'canary'" },
        keys: ["api"],
        until: ["LIVE"],
        failed: ["BROKEN"],
      },
    ]);
  });

  it("are missing in a machine that deploys nothing", () => {
    const { machine } = parseMachine("version: 2\nevents: {}\nstates: { INIT: {} }\ntasks: {}", { name: "a" });
    expect(machine && listBoardPlaces(machine)).toEqual([]);
  });
});

describe("the tally of an environment", () => {
  it("counts stacks by version and release, most first, and names those in trouble first", () => {
    const versions = tally(
      stack("a"),
      stack("b", { metadata: { api: "2" }, releases: release(200, "2") }),
      stack("c", { state: "BROKEN", metadata: { api: "2" }, releases: release(200, "2", { at: 300 }) }),
    );

    expect(versions).toEqual([
      {
        values: { api: "2" },
        release: { id: "shop-2", createdAt: 200 },
        since: 300,
        stacks: 2,
        standings: { rests: 1, moving: 0, failed: 1, "by-hand": 0 },
        examples: ["c", "b"],
      },
      {
        values: { api: "1" },
        release: { id: "shop-1", createdAt: 100 },
        since: 110,
        stacks: 1,
        standings: { rests: 1, moving: 0, failed: 0, "by-hand": 0 },
        examples: ["a"],
      },
    ]);
  });

  it.each<[string, Partial<Stack>]>([
    ["that stays on what ran before", { lastFailure: { task: "build", state: "BUILD", entry: 1, attempt: 1, at: 1 } }],
    ["that is stalled", { stalled: { code: "LOOP_LIMIT", reason: "circles" } }],
    ["whose time is over", { overdue: true }],
  ])("counts a stack %s as failed, as rows and gates do", (_what, given) => {
    expect(tally(stack("a", { entry: 2, ...given }))).toMatchObject([{ standings: { failed: 1, rests: 0 } }]);
  });

  it("sees what a person has changed, what moves, and what no release has set", () => {
    const [byHand] = tally(stack("a", { metadata: { api: "9" } }));
    const [moving] = tally(stack("b", { tasks: [{ name: "apply", status: "PENDING" }] }));
    const [unset] = tally(stack("c", { metadata: {}, releases: {} }));
    const [foreign] = tally(stack("d", { releases: {} }));

    expect(byHand).toMatchObject({ standings: { "by-hand": 1 }, values: { api: "9" }, release: { id: "shop-1" } });
    expect(moving).toMatchObject({ standings: { moving: 1 } });
    expect(unset).toEqual(
      expect.objectContaining({ values: {}, since: 5, standings: expect.objectContaining({ rests: 1 }) }),
    );
    expect(unset?.release).toBeUndefined();
    expect(foreign).toMatchObject({ standings: { "by-hand": 0, rests: 1 } });
  });

  it("shows the newest of the releases that have set its keys, since when the last of them did", () => {
    const releases = { ...release(100, "1", { at: 400 }), web: { ...release(200, "2").api, at: 300 } };
    const counted = createBoardTally({ ...PLACE, keys: ["api", "web"] });

    counted.add(stack("a", { metadata: { api: "1", web: "2" }, releases }));

    expect(counted.list()).toMatchObject([{ release: { id: "shop-2", createdAt: 200 }, since: 400 }]);
  });

  it("hides sensitive values", () => {
    expect(tally(stack("a", { metadata: { api: "hunter2" }, secretVersions: { api: 1 } }))[0]?.values).toEqual({
      api: "***",
    });
  });

  it("keeps memory small for 10,000 stacks of one version", () => {
    const [only, ...others] = tally(...Array.from({ length: 10_000 }, (_, index) => stack(`s-${index}`)));
    expect([only?.stacks, only?.examples.length, others.length]).toEqual([10_000, 3, 0]);
  });
});

describe("the lag of an environment", () => {
  const place = (task: string, ...stacks: readonly Stack[]) => ({ task, versions: tally(...stacks) });
  const old = place("production", stack("a"));
  const young = place("staging", stack("b", { releases: release(400, "4") }));
  const empty = place("production");

  it("counts the newer releases up to that of the environment before, also when nothing runs here", () => {
    const created = [100, 200, 300, 400, 500];
    const lagOf = (here: typeof old, ...before: readonly (typeof old)[]) => findLag(here, before, created);

    expect(lagOf(old, young)).toEqual({ of: "staging", releases: 3 });
    expect(lagOf(empty, young)).toEqual({ of: "staging", releases: 4 });
    expect([lagOf(young, old), lagOf(old, old), lagOf(old), lagOf(empty, empty)]).toEqual(Array(4).fill(undefined));
  });

  it("is at least one release, also when that one was removed or may not be read", () => {
    expect(findLag(old, [young], [])).toEqual({ of: "staging", releases: 1 });
  });

  it("skips an environment to which no release has come", () => {
    const unset = place("review", stack("c", { releases: {} }));

    expect(findLag(old, [young, empty, unset], [])).toEqual({ of: "staging", releases: 1 });
  });
});
