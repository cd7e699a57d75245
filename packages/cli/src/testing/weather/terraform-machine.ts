import { succeeded } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import type { SimulatorInput } from "@stackyard/core/testing";
import { terraformDefinition } from "@stackyard/executor-terraform";

const TARGET = '{ account: "111122223333", region: eu-west-1, role: deploy }';
type SourcedMachine = SimulatorInput["machines"][number];

/** The tasks of a machine. Both kinds build and clear one configuration. */
export type TerraformWay = "apply" | "approved plan";

const WAYS: Readonly<Record<TerraformWay, string>> = {
  apply: `
  INIT: { on: { GO: BUILD } }
  BUILD: { tasks: [build], on: { NEXT: LIVE, FAILED: BROKEN } }`,
  "approved plan": `
  INIT: { on: { GO: PLAN } }
  PLAN: { tasks: [plan], on: { NEXT: READY, FAILED: BROKEN } }
  READY: { on: { APPROVE: BUILD } }
  BUILD: { tasks: [build], on: { NEXT: LIVE, FAILED: BROKEN } }`,
};

function toMachine(way: TerraformWay): string {
  const plan = way === "apply" ? "" : ', plan: "$' + '{metadata.plan}"';
  const source = "{ type: local, location: network }";
  return `
version: 2
events: { GO: {}, APPROVE: {}, END: {}, AGAIN: {} }
metadata: { plan: { type: string }, url: { type: string } }
targets: { here: ${TARGET} }
states:${WAYS[way]}
  LIVE: { on: { END: CLEAR } }
  BROKEN: { on: { END: CLEAR } }
  CLEAR: { tasks: [clear], on: { NEXT: GONE, FAILED: STUCK } }
  GONE: {}
  STUCK: { on: { AGAIN: CLEAR } }
tasks:
  plan:
    ${toTask(`{ action: plan, source: ${source} }`)}
    outputs: { plan: plan }
  build:
    ${toTask(`{ action: apply, source: ${source}${plan} }`)}
    outputs: { url: url }
  clear:
    ${toTask(`{ action: destroy, source: ${source} }`)}
`;
}

function toTask(config: string): string {
  return `executor: terraform
    target: here
    config: ${config}
    retry: { attempts: 3, backoff: { from: 20s, to: 2m } }
    timeout: 1h`;
}

const machines = new Map<TerraformWay, SourcedMachine>();

/** Returns the machine, which is parsed once: that takes longer than many runs of a story. */
export function findMachine(way: TerraformWay): SourcedMachine {
  const known = machines.get(way);
  if (known !== undefined) return known;
  const source = toMachine(way);
  const executor = { ...terraformDefinition, start: async () => succeeded({}) };
  const { machine, problems } = parseMachine(source, { name: "web", executors: new Map([["terraform", executor]]) });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  const found = { machine, source };
  machines.set(way, found);
  return found;
}
