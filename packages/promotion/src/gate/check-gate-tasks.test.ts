import { parseMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { deployDefinition } from "../deploy/definition.ts";
import { gateDefinition } from "./definition.ts";

const executors = new Map([deployDefinition, gateDefinition].map((each) => [each.name, each] as const));
const STAGING = { stacks: "staging", event: "RELEASED", metadata: { api: "1" }, until: ["LIVE"] };

/** Lists the problems of a machine with this gate: its place, line and message. */
function check(config: object): readonly string[] {
  const document = {
    version: 2,
    events: { GO: {} },
    states: { INIT: { on: { GO: "REVIEW" } }, REVIEW: { tasks: ["staging", "gate"], on: { NEXT: "DONE" } }, DONE: {} },
    tasks: { staging: { executor: "deploy", config: STAGING }, gate: { executor: "gate", config } },
  };
  const { problems } = parseMachine(JSON.stringify(document, undefined, 1), { name: "shop", executors });
  const own = problems.filter(({ code }) => code !== "no-terminal-state");
  return own.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

describe("the config of gate", () => {
  it("names tasks and states of its machine", () => {
    const turn = { name: "prod", states: ["REVIEW", "DONE"] };

    expect(check({ turn, soak: { of: "staging", for: "24h" }, alarms: ["errors"] })).toEqual([]);
  });

  it.each([
    [{}, "error tasks.gate.config: This config of gate must be a map with turn, soak, alarms or artifacts."],
    [
      { soak: { of: "stagign", for: "24h" } },
      'error tasks.gate.config.soak.of: soak.of must name a task deploy that sends, not "stagign". Did you mean "staging"?',
    ],
    [
      { soak: { of: "gate", for: "24h" } },
      'error tasks.gate.config.soak.of: soak.of must name a task deploy that sends, not "gate". Known: "staging".',
    ],
    [{ soak: { of: "staging", for: "a day" } }, "error tasks.gate.config.soak.for: "],
    [
      { turn: { name: "prod", states: ["REVIEW", "DNOE"] } },
      'error tasks.gate.config.turn.states.1: turn.states names "DNOE", which is not a state of this machine. Did you mean "DONE"?',
    ],
    [{ alarms: [] }, "error tasks.gate.config.alarms: "],
    [{ artifacts: { api: "1" }, consumers: ["1234/eu-west-1"] }, "error tasks.gate.config.consumers.0: "],
    [{ consumers: ["111122223333/eu-west-1"] }, "error tasks.gate.config.consumers: consumers is for artifacts: "],
    [{ soak: { of: "staging", for: "24h" }, window: "office" }, "error tasks.gate.config.window: "],
  ])("says where %j is wrong, and what to do", (config, message) => {
    expect(check(config)).toEqual([expect.stringContaining(message)]);
  });
});
