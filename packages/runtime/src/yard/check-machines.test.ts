import { parseMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { toExecutorDefinitions } from "../executor-definitions.ts";
import { evaluateMachines } from "./check-machines.ts";

const SOUND = `
version: 1
events: [GO]
states:
  INIT: {on: {GO: [{action: advance, state: UP}]}}
  UP: {terminal: true, tasks: [net]}
tasks:
  net: {executor: lambda, config: {name: net}}
`;

type Listing = Parameters<typeof evaluateMachines>[0][number];

function aListing(name: string, source: string): Listing {
  const { machine, problems } = parseMachine(source, { name, executors: toExecutorDefinitions() as never });
  const origin = `s3://machines/m/${name}.yml`;
  if (machine === undefined) return { name, origin, located: { kind: "invalid", problems } };
  const revision = { name, hash: machine.hash, source };
  return { name, origin, located: { kind: "found", machine, revision, problems } };
}

describe("a yard's machines", () => {
  it("get a finding each, and list the executors that they use", () => {
    const sound = aListing("review-app", SOUND);
    const broken = aListing("broken", "version: 1\nevents: []\nstates: {}\ntasks: {}\n");

    const { findings, used } = evaluateMachines([sound, broken], "s3://machines/m");

    expect(findings).toMatchObject([
      {
        status: "ok",
        message: expect.stringMatching(/^review-app \(s3:\/\/machines\/m\/review-app\.yml\), revision /),
      },
      { status: "fail", message: expect.stringMatching(/^broken \(.*\) is invalid: \d+:\d+ init-required: /) },
    ]);
    expect([...used]).toEqual(["lambda"]);
  });

  it("with a warning show it", () => {
    const source = SOUND.replace("events: [GO]", "events: [GO, NEVER]");

    expect(evaluateMachines([aListing("m", source)], "s3://machines/m").findings).toMatchObject([
      { status: "warn", message: expect.stringContaining("unused-event") },
    ]);
  });

  it("that are missing cause a warning with the command to upload one", () => {
    expect(evaluateMachines([], "s3://machines/m").findings).toMatchObject([
      { status: "warn", hint: "Upload one: aws s3 cp machines/ s3://machines/m --recursive" },
    ]);
  });
});
