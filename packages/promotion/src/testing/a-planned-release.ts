import {
  aReleaseYard,
  type ReleaseYard,
  type ReleaseYardInput,
  TO_TENANTS,
  toReleaseMachine,
} from "./a-release-yard.ts";

/** The machine of releases whose plan waits for an approval between two states: PLANNED sends, AGAIN plans anew. */
export function toPlannedMachine(config: object = {}): string {
  const plan = {
    executor: "deploy",
    config: { op: "plan", of: ["tenants"], show: ["tier"] },
    outputs: { plan: "digest" },
  };
  const tenants = { executor: "deploy", config: { ...TO_TENANTS, plan: `\${metadata.plan}`, ...config } };
  const source = JSON.parse(toReleaseMachine({ tasks: { plan, tenants }, go: ["tenants"] }));
  source.states = {
    ...source.states,
    INIT: { on: { RELEASED: "REVIEW" } },
    REVIEW: { tasks: ["plan"], on: { NEXT: "WAIT", AGAIN: "REVIEW" } },
    WAIT: { on: { PLANNED: "GO", AGAIN: "REVIEW" } },
    GO: { ...source.states.GO, on: { ...source.states.GO.on, AGAIN: "REVIEW" } },
  };
  return JSON.stringify(source);
}

/** A yard with such releases. `config` changes what they send. */
export function aPlannedRelease(config: object = {}, input: ReleaseYardInput = {}): ReleaseYard {
  return aReleaseYard({ ...input, release: toPlannedMachine(config) });
}
