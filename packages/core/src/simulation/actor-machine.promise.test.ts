import { expect, it } from "vitest";
import { parseMachine } from "../machine/parse-machine.ts";
import { createSimulation } from "./simulation.ts";

/** An environment that only releases of one machine, and people on call, change. */
const SHOP = `
version: 2
events:
  OPENED: {}
  RELEASED: { metadata: [api], allow: "actor.machine == 'shop-release' || 'oncall' in actor.groups" }
metadata: { api: { type: string } }
states: { INIT: { on: { OPENED: LIVE } }, LIVE: { on: { RELEASED: LIVE } } }
tasks: {}
`;

it("lets a step act as a release, for machines that name its machine in allow", () => {
  const { machine } = parseMachine(SHOP, { name: "shop" });
  const simulation = createSimulation(new Map([["shop", machine]]));
  const released = (api: string) => ({ stackId: "shop-prod", event: "RELEASED", metadata: { api } });
  const release = (name: string) => ({ kind: "stack", name: "shop-1.42.0", machine: name, owner: "cleo" });
  simulation.step({ event: { stackId: "shop-prod", event: "OPENED", machine: "shop" } });

  const steps = [
    { event: released("1"), sender: release("shop-release") },
    { event: released("2"), sender: release("other-release") },
    { event: released("3"), sender: { name: "ada", groups: ["oncall"] } },
    { event: released("4"), sender: { name: "ben" } },
    { event: released("5"), sender: { kind: "person", name: "ben", machine: "shop-release" } },
  ].map((step) => simulation.step(step));

  expect(steps.map(({ outcome, code }) => [outcome, code].filter(Boolean).join(" "))).toEqual([
    "applied",
    "refused NOT_ALLOWED",
    "applied",
    "refused NOT_ALLOWED",
    "refused NOT_ALLOWED",
  ]);
});
