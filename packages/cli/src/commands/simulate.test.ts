import { describe, expect, it } from "vitest";
import { checkSteps, parseSteps } from "./simulate.ts";

const event = { event: { stackId: "s", event: "GO", machine: "m" } };

describe("checkSteps", () => {
  it("takes time, revisions and upgrades", () => {
    const steps = [{ advance: "15m" }, { load: "new.yaml" }, { upgrade: "s" }, { upgrade: "s", dryRun: true }];

    expect(() => checkSteps(steps, "steps.json")).not.toThrow();
  });

  it("takes events and answers", () => {
    const sent = { ...event, sender: { name: "ada", groups: ["ops"] } };
    const steps = [event, sent, { event: '{"stackId": "s"}' }, { task: "db", result: "cancelled" }];

    expect(() => checkSteps(steps, "steps.json")).not.toThrow();
    expect(() => checkSteps([{ task: "db", result: "failed", stackId: "s" }], "steps.json")).not.toThrow();
  });

  it.each<[unknown, string]>([
    [
      { evnt: 1 },
      'step 2: it has none of "event", "stack", "task", "advance", "load", "upgrade". Did you mean "event" instead of "evnt"?',
    ],
    [{}, 'step 2: it has none of "event", "stack", "task", "advance", "load", "upgrade".'],
    [{ task: "db", result: "maybe" }, 'step 2: "result" must be "succeeded", "failed" or "cancelled", not "maybe".'],
    [{ task: "db" }, 'step 2: "result" must be "succeeded", "failed" or "cancelled".'],
    [
      { ...event, sender: "ada" },
      'step 2: "sender" must be an object such as {"name": "ada", "groups": ["release-managers"]}, not "ada".',
    ],
    [{ advance: "soon" }, 'step 2: "advance" must be a duration such as "15m", not "soon".'],
    [
      { task: "db", result: "failed", advance: "soon" },
      'step 2: "advance" must be a duration such as "15m", not "soon".',
    ],
    [
      { load: "new.yaml", advance: "x".repeat(99) },
      `step 2: "advance" must be a duration such as "15m", not "${"x".repeat(58)}….`,
    ],
    [{ load: 7 }, 'step 2: "load" must be the path of a machine, not 7.'],
    [{ upgrade: "" }, 'step 2: "upgrade" must be the id of a stack, not "".'],
    [{ upgrade: "s", dryRun: 1 }, 'step 2: "dryRun" must be true or false, not 1.'],
    [{ task: 7, result: "failed" }, 'step 2: "task" must be the name of a task, not 7.'],
    [7, "step 2: 7 is not an object."],
    [[], "step 2: [] is not an object."],
  ])("reports what is wrong with the step %j", (step, shown) => {
    expect(() => checkSteps([event, step], "steps.json")).toThrow(`steps.json has invalid steps:\n  - ${shown}`);
  });

  it.each([null, 1, [], "no JSON", {}])("leaves the message %j to the parser of messages", (message) => {
    expect(() => checkSteps([{ event: message }], "-")).not.toThrow();
  });

  it("leaves an answer without a stack to the simulation", () => {
    expect(() => checkSteps([{ task: "db", result: "failed" }], "-")).not.toThrow();
  });

  it("reports ten of many", () => {
    const steps = Array.from({ length: 12 }, () => 0);

    expect(() => checkSteps(steps, "-")).toThrow(/step 10: 0 is not an object\.\n {2}- and 2 more$/);
  });
});

describe("parseSteps", () => {
  it.each([
    ["an array", '[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
    ["an array over lines", '[\n{"a":1},\n{"a":2}\n]', [{ a: 1 }, { a: 2 }]],
    ["lines", '{"a":1}\n\n{"a":2}\r\n', [{ a: 1 }, { a: 2 }]],
    ["one object over lines", '{\n"a":1\n}', [{ a: 1 }]],
    ["a byte order mark", '\uFEFF{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
    ["nothing", "\n", []],
    ["values that are not objects", "5\nnull", [5, null]],
  ])("reads %s", (_what, text, steps) => {
    expect(parseSteps(text, "steps.json")).toEqual(steps);
  });

  it("names the line that is no JSON", () => {
    expect(() => parseSteps('{"a":1}\n{"a"\n', "steps.jsonl")).toThrow(/^steps\.jsonl:2: the steps are not valid JSON/);
  });

  it("reports what is wrong with an array", () => {
    expect(() => parseSteps('[{"a":1},]', "steps.json")).toThrow(/^steps\.json: the steps are not valid JSON/);
  });
});
