// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { expect, it } from "vitest";
import { parseMachine } from "../../machine/parse-machine.ts";
import { aStack } from "../../testing/builders.ts";
import { listBoardArrivals, type OpenTask } from "./board-arrivals.ts";

const MACHINE = `
version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string }, key: { type: string, sensitive: true } }
states:
  INIT: { on: { RELEASED: STAGING } }
  STAGING: { tasks: [soak, staging, test-turn], on: { NEXT: REVIEW } }
  REVIEW: { tasks: [turn, plan, approve], on: { NEXT: PRODUCTION } }
  PRODUCTION: { tasks: [production, watch, tenants], on: { NEXT: DONE, FAILED: BACK } }
  BACK: { tasks: [undo] }
  DONE: { tasks: [report], terminal: true }
tasks:
  test-turn: { executor: gate, config: { turn: { name: shop-staging } } }
  staging: { executor: deploy, needs: [test-turn], config: { stacks: shop-staging, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
  soak: { executor: gate, needs: [staging], config: { soak: { of: staging, for: 24h } } }
  turn: { executor: gate, config: { turn: { name: shop-prod } } }
  plan: { executor: deploy, needs: [turn], config: { op: plan, of: [production] } }
  approve: { executor: approval, needs: [plan], config: { from: [managers] } }
  production: { executor: deploy, config: { stacks: shop-prod, event: GO, metadata: { api: "\${metadata.api}", key: "\${metadata.key}", by: "v\${metadata.api}", site: eu }, until: [LIVE] } }
  watch: { executor: gate, needs: [production], config: { alarms: [errors] } }
  tenants: { executor: deploy, needs: [watch], config: { stacks: { machine: tenant }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
  undo: { executor: deploy, config: { op: undo, of: tenants } }
  report: { executor: lambda, config: { name: report } }
`;

const open = (name: string, given: Partial<OpenTask> = {}): OpenTask => ({
  ...{ name, status: "PENDING", detail: "RUNNING", why: "It runs." },
  ...given,
});

function arrivals(state: string, ...tasks: readonly OpenTask[]) {
  const { machine, problems } = parseMachine(MACHINE, { name: "shop-release" });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  const secret = { metadata: { api: "1.42.0", key: "hunter2" }, secretVersions: { key: 1 } };
  return listBoardArrivals(machine, aStack({ id: "shop-1", machine: "shop-release", state, ...secret }), tasks);
}
const holds = (state: string, ...tasks: readonly OpenTask[]) =>
  arrivals(state, ...tasks).map(({ place, task, hold }) => `${task} ${hold} ${place}`);

it("belong to the environment that needs the task, or to the one that follows", () => {
  expect(holds("STAGING", open("test-turn"))).toEqual(["test-turn turn staging"]);
  expect(holds("STAGING", open("staging"))).toEqual(["staging moving staging"]);
  expect(holds("STAGING", open("soak"))).toEqual(["soak gate production"]);
  expect(holds("REVIEW", open("turn"))).toEqual(["turn turn production"]);
  expect(holds("REVIEW", open("plan"))).toEqual(["plan moving production"]);
  expect(holds("REVIEW", open("approve"))).toEqual(["approve approval production"]);
  expect(holds("PRODUCTION", open("watch"))).toEqual(["watch gate tenants"]);
  expect(holds("BACK", open("undo"))).toEqual(["undo moving tenants"]);
  expect(holds("DONE", open("report"))).toEqual([]);
});

it("do not read what holds a deployment back from its text, which people write in part", () => {
  const why = "Waits for 3m: 0 arrived. Held back by FROZEN. Which: stackyard deploys show a b";

  expect(holds("PRODUCTION", open("production", { why }))).toEqual(["production moving production"]);
});

it("say what holds back most: a failure, a freeze, a closed window, then gates and people", () => {
  const held = (heldBy: string) => holds("PRODUCTION", open("production", { attempt: { heldBy } }));

  expect(held("FROZEN")).toEqual(["production freeze production"]);
  expect(held("WINDOW_CLOSED")).toEqual(["production window production"]);
  expect(held("ALARM")).toEqual(["production gate production"]);
  expect(held("GATE_UNAVAILABLE")).toEqual(["production gate production"]);
  expect(held("STACK_MOVING")).toEqual(["production moving production"]);
  expect(holds("REVIEW", open("approve"), open("turn", { status: "ERROR" }), open("plan"))).toEqual([
    "turn failed production",
  ]);
});

it("are of no environment in a state that the machine no longer has", () => {
  expect(holds("REMOVED", open("turn"))).toEqual([]);
});

it("leave out tasks that are done, and those that wait for another", () => {
  expect(holds("REVIEW", open("turn", { status: "SATISFIED" }), open("plan", { detail: "WAITING" }))).toEqual([]);
});

it("have the values that the environment will have, without secrets and without what must be computed", () => {
  expect(arrivals("REVIEW", open("turn"))[0]?.values).toEqual({ api: "1.42.0", key: "***", site: "eu" });
  expect(arrivals("BACK", open("undo"))[0]?.values).toEqual({});
  expect(arrivals("BACK", open("undo", { status: "ERROR" }))[0]?.values).toEqual({});
});
