import { describe, expect, it } from "vitest";
import { parseMachine } from "../machine/parse-machine.ts";
import type { LocatedMachine } from "../ports/locator.ts";
import { createSimulator } from "../testing/simulator.ts";

const toSource = (pattern: string) => `
version: 2
revision: pin
events: [OPENED, PUSHED, TAGGED, MERGED]
metadata:
  tag: { type: string, pattern: "${pattern}", default: v1 }
  note: {}
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { on: { PUSHED: LIVE, TAGGED: LIVE, MERGED: GONE }, after: [{ in: 10m, event: MERGED }] }
  GONE: {}
tasks:
  none: { executor: lambda, config: { name: run } }
`;

const LOOKS_AHEAD = toSource("^(?=v)v([a-z0-9]+)+$");

/** As a version located it that let such patterns in. */
function locateOld(source: string): LocatedMachine {
  const { machine, problems } = parseMachine(source, { name: "app", kept: true });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return { kind: "found", machine, revision: { name: "app", hash: machine.hash, source }, problems: [] };
}

describe("a stack on a revision whose pattern cannot be searched in linear time", () => {
  it("refuses what the pattern would judge, goes on with everything else, and can be upgraded", async () => {
    let located = locateOld(LOOKS_AHEAD);
    const yard = createSimulator({
      machines: [],
      executors: [],
      locator: { find: async () => located, list: async () => [] },
    });
    const send = async (id: string, event: string, metadata: object = {}) => {
      await yard.publish({ id, stackId: "pr-1", event, machine: "app", metadata });
      await yard.settle();
    };
    await send("e1", "OPENED");
    const invalid = parseMachine(LOOKS_AHEAD, { name: "app" });
    located = { kind: "invalid", problems: invalid.problems };

    await send("e2", "TAGGED", { tag: `v${"a".repeat(40)}!` });
    await send("e3", "PUSHED", { note: "goes on" });
    const [loaded] = await yard.store.load(["pr-1"]);
    located = locateOld(toSource("^v[a-z0-9]+$"));
    await send("e4", "TAGGED", { tag: "v2" });
    await send("e5", "UPGRADE_STACK");
    await yard.advance(11 * 60_000);

    expect(invalid.problems.map(({ code }) => code)).toContain("pattern-not-linear");
    expect(loaded?.parked.map(({ event, code }) => [event.id, code])).toEqual([["e2", "PATTERN_NOT_LINEAR"]]);
    const history = await yard.listHistory("pr-1");
    expect(history.map(({ event, outcome, code }) => [event, outcome, code ?? ""].join(" ").trim())).toEqual([
      "OPENED applied",
      "TAGGED parked PATTERN_NOT_LINEAR",
      "PUSHED applied",
      "TAGGED parked PATTERN_NOT_LINEAR",
      "UPGRADE_STACK applied",
      "TAGGED set-aside METADATA_INVALID",
      "TAGGED applied",
      "MERGED applied",
    ]);
    expect(await yard.findStack("pr-1")).toMatchObject({ state: "GONE", metadata: { tag: "v2", note: "goes on" } });
  });
});
