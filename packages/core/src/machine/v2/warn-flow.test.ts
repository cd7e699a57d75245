// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import { acceptingExecutors } from "../../testing/builders.ts";
import { parseMachineDocument } from "../parse-machine.ts";

const run = { executor: "lambda", config: { name: "run" } };

function listWarnings(code: string, states: object) {
  const document = {
    version: 2,
    events: ["GO", "DRAIN", "CHECK", "END"],
    metadata: { next: { type: "string" }, more: { type: "boolean" } },
    states: { INIT: { on: { GO: "LIVE" } }, GONE: { terminal: true }, ...states },
    tasks: { run },
  };
  const { problems } = parseMachineDocument(document, { name: "m", executors: acceptingExecutors("lambda") });
  return problems.filter((problem) => problem.code === code).map(({ path }) => path);
}

describe("a protected state", () => {
  const draining = { DRAINING: { tasks: ["run"], on: { NEXT: "GONE" } } };

  it.each([
    ["a timer", { after: [{ in: "1h", event: "DRAIN" }], on: { DRAIN: "DRAINING" } }, ["states.LIVE.after.0"]],
    ["a timeout", { timeout: "1h", on: { TIMEOUT: "DRAINING", DRAIN: "DRAINING" } }, ["states.LIVE.on.TIMEOUT"]],
    [
      "an event that is raised",
      { on: { GO: [{ action: "no-op", raise: "DRAIN" }], DRAIN: "DRAINING" } },
      ["states.LIVE.on.GO.0.raise"],
    ],
    ["nothing but events of people", { on: { DRAIN: "DRAINING" } }, []],
  ])("warns where %s leads over another state to the end", (_what, live, paths) => {
    expect(listWarnings("protected-left-automatically", { LIVE: { protected: true, ...live }, ...draining })).toEqual(
      paths,
    );
  });

  it("does not warn of a state that rests, or from which a stack comes back", () => {
    const after = [{ in: "1h", event: "DRAIN" }];
    const live = { protected: true, after, on: { DRAIN: "DRAINING", END: "GONE" } };

    const rests = { LIVE: live, DRAINING: { tasks: ["run"], on: { NEXT: "no-op", END: "GONE", GO: "LIVE" } } };
    expect(listWarnings("protected-left-automatically", rests)).toEqual([]);
  });
});

describe("an instant that leads to its own state", () => {
  const at = { at: "${metadata.next}", event: "CHECK" };

  it.each([
    ["itself", { LIVE: { after: [at], on: { CHECK: "LIVE", END: "GONE" } } }, ["states.LIVE.after.0"]],
    [
      "a state that leads back",
      {
        LIVE: { after: [at], on: { CHECK: "REST", END: "GONE" } },
        REST: { after: [at], on: { CHECK: "LIVE" } },
      },
      ["states.LIVE.after.0", "states.REST.after.0"],
    ],
    [
      "a state without it",
      { LIVE: { after: [at], on: { CHECK: "REST", END: "GONE" } }, REST: { on: { GO: "LIVE", END: "GONE" } } },
      [],
    ],
    [
      "itself under a condition",
      {
        LIVE: {
          after: [at],
          on: { CHECK: [{ when: "metadata.more", action: "advance", state: "LIVE" }], END: "GONE" },
        },
      },
      [],
    ],
    [
      "itself with another instant",
      {
        LIVE: {
          after: [at],
          on: { CHECK: [{ action: "advance", state: "LIVE", set: { next: "${now}" } }], END: "GONE" },
        },
      },
      [],
    ],
  ])("is warned of when it is %s", (_what, states, paths) => {
    expect(listWarnings("endless-loop", states)).toEqual(paths);
  });
});
