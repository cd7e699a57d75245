import { describe, expect, it } from "vitest";
import {
  findCodeApps,
  type ParameterSources,
  parseGiven,
  parseTemplateParameters,
  planParameters,
  toYardEntry,
} from "./apps-deploy.ts";
import type { StackFacts } from "./stack.ts";

const template = { Bucket: { Type: "String", Description: "Where code lies." }, Days: { Type: "Number", Default: 30 } };

function plan(sources: Partial<ParameterSources>) {
  const none = { given: new Map(), filled: new Map(), previous: new Map(), offered: new Map() };
  return planParameters({ template, ...none, ...sources });
}

const planned = (...parameters: object[]) => ({ kind: "planned", parameters });

describe("parameters", () => {
  it("take what is given before all else", () => {
    const sources = { filled: new Map([["Bucket", "b"]]), previous: new Map([["Bucket", "before"]]) };

    expect(plan({ ...sources, given: new Map([["Bucket", "own"]]) })).toEqual(
      planned({ ParameterKey: "Bucket", ParameterValue: "own" }),
    );
    expect(plan(sources)).toEqual(planned({ ParameterKey: "Bucket", ParameterValue: "b" }));
  });

  it("keep what the stack has, before what others offer", () => {
    const offered = new Map([["Bucket", "offered"]]);

    const previous = new Map([
      ["Bucket", "before"],
      ["Days", "7"],
      ["Gone", ""],
    ]);

    expect(plan({ previous, offered })).toEqual(
      planned({ ParameterKey: "Bucket", UsePreviousValue: true }, { ParameterKey: "Days", UsePreviousValue: true }),
    );
    expect(plan({ offered })).toEqual(planned({ ParameterKey: "Bucket", ParameterValue: "offered" }));
  });

  it("may be empty texts", () => {
    expect(plan({ given: new Map([["Bucket", ""]]) })).toEqual(planned({ ParameterKey: "Bucket", ParameterValue: "" }));
  });

  it("are rejected with all that is wrong", () => {
    expect(plan({ given: new Map([["Dayz", "1"]]) })).toEqual({
      kind: "refused",
      faults: ["The template has no parameter Dayz; it has Bucket, Days.", "Bucket has no value (Where code lies.)."],
    });
  });

  it("of a name that every object has are unknown too", () => {
    expect(plan({ given: new Map([["constructor", "1"]]) })).toMatchObject({ kind: "refused" });
  });
});

describe("a runner next to a yard with a store", () => {
  const template = {
    StacksTable: { Type: "String", Default: "" },
    WorkTable: { Type: "String", Default: "" },
    ConnectionSecretArn: { Type: "String", Default: "" },
  };
  const tables = new Map([
    ["StacksTable", "stacks"],
    ["WorkTable", "work"],
  ]);
  const withoutStore = new Map([
    ["StacksTable", ""],
    ["WorkTable", ""],
    ["ConnectionSecretArn", ""],
  ]);

  it("takes over the yard's tables", () => {
    expect(plan({ template, offered: tables })).toEqual(
      planned(
        { ParameterKey: "StacksTable", ParameterValue: "stacks" },
        { ParameterKey: "WorkTable", ParameterValue: "work" },
      ),
    );
  });

  it("is refused when it was deployed without the store, with the way to get it", () => {
    expect(plan({ template, offered: tables, previous: withoutStore })).toEqual({
      kind: "refused",
      faults: [
        "This stack works without the store of its yard. Pass --parameter StacksTable=stacks --parameter WorkTable=work to give it the store, or an empty StacksTable= to leave it without.",
      ],
    });
    expect(
      plan({ template, offered: new Map([["ConnectionSecretArn", "arn:secret"]]), previous: withoutStore }),
    ).toEqual({
      kind: "refused",
      faults: [expect.stringContaining("Pass --parameter ConnectionSecretArn=arn:secret to give it the store")],
    });
  });

  it("works without the store on request, and where the yard has none", () => {
    const given = new Map([["StacksTable", ""]]);

    expect(plan({ template, offered: tables, previous: withoutStore, given })).toMatchObject({ kind: "planned" });
    expect(plan({ template, offered: tables, given })).toMatchObject({ kind: "planned" });
    expect(plan({ template, previous: withoutStore })).toMatchObject({ kind: "planned" });
  });
});

describe("typed parameters", () => {
  it("may hold further signs and be empty", () => {
    expect(parseGiven(["A=x=y", "B="])).toEqual(
      new Map([
        ["A", "x=y"],
        ["B", ""],
      ]),
    );
  });

  it.each([
    [["A"], '--parameter takes Name=value, not "A".'],
    [["=x"], '--parameter takes Name=value, not "=x".'],
    [["A-B=x"], '--parameter takes Name=value, not "A-B=x".'],
    [["A=1", "A=2"], "--parameter A is given twice."],
  ])("are rejected: %j", (words, refusal) => {
    expect(parseGiven(words)).toEqual({ refusal });
  });
});

describe("parameters of a template", () => {
  it("are read with defaults and descriptions", () => {
    const Parameters = {
      A: { Type: "String", Default: "", Description: "x", AllowedPattern: ".*" },
      B: { Type: "Number" },
    };

    expect(Object.keys(parseTemplateParameters(JSON.stringify({ Parameters, Resources: {} })))).toEqual(["A", "B"]);
    expect(parseTemplateParameters("{}")).toEqual({});
  });

  it.each(["[]", '{"Parameters":[]}', '{"Parameters":{"A":{}}}', "{"])("are rejected: %s", (text) => {
    expect(() => parseTemplateParameters(text)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("name the apps whose code they ask for", () => {
    const template = {
      StateManagerCodeKey: { Type: "String" },
      XCodeKey: { Type: "String" },
      CodeKey: { Type: "String" },
    };

    expect(findCodeApps({ ...template, CodeBucket: { Type: "String" } })).toEqual(
      new Map([
        ["StateManager", "state-manager"],
        ["X", "x"],
      ]),
    );
  });
});

const stack: StackFacts = {
  id: "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1",
  name: "s",
  status: "CREATE_COMPLETE",
  reason: undefined,
  tags: new Map(),
  changedAt: "2026-01-01T00:00:00.000Z",
  parameters: new Map([
    ["MachineBucket", "machines"],
    ["MachinePrefix", ""],
    ["TaskLogPrefix", "stackyard/logs/"],
  ]),
  outputs: {
    EventQueueUrl: "https://sqs/q",
    StacksTable: "stackyard-main-stacks",
    LongTaskQueueUrl: "",
    TaskLogBucket: "acme-logs",
  },
};

it("is what the configuration takes", () => {
  expect(toYardEntry("main", stack)).toBe(`main: {
  type: "aws",
  region: "eu-west-1",
  eventQueueUrl: "https://sqs/q",
  stacksTable: "stackyard-main-stacks",
  machines: {"bucket":"machines"},
  logs: {"bucket":"acme-logs","prefix":"stackyard/logs/"},
},`);
});

it("quotes a name that is not an identifier", () => {
  expect(toYardEntry("my-yard", stack)).toContain('"my-yard": {');
});

it("is undefined for a stack without an event queue", () => {
  expect(toYardEntry("main", { ...stack, outputs: {} })).toBeUndefined();
  expect(toYardEntry("main", undefined)).toBeUndefined();
});
