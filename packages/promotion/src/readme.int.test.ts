import { readFileSync } from "node:fs";
import { createSimulation, parseMachine } from "@stackyard/core/machine";
import { expect, it } from "vitest";
import { promotionDefinitions } from "./definition.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const executors = new Map(promotionDefinitions.map((definition) => [definition.name, definition]));
const blocks = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = ""]) => text);

it("the machines of the README have no problems", () => {
  const machines = blocks.filter((text) => /^states:/m.test(text));

  expect(machines.length).toBeGreaterThan(0);
  for (const text of machines) expect(parseMachine(text, { name: "shop-release", executors }).problems).toEqual([]);
});

it("the release of the README can be simulated: its tasks answer by name, as those of other executors", () => {
  const source = blocks.find((text) => text.includes("op: plan")) ?? "";
  const { machine } = parseMachine(source, { name: "shop-release", executors });
  const simulation = createSimulation(new Map([["shop-release", machine]]));
  const digest = "a".repeat(64);
  const sender = { name: "ada", groups: ["release-managers"] };
  const stackId = "shop-1.42.0";

  const lines = [
    {
      event: { stackId, machine: "shop-release", event: "RELEASED", metadata: { api: "1.42.0" } },
      sender: { name: "eve" },
    },
    { task: "plan", result: "succeeded", outputs: { digest } },
    { event: { stackId, event: "APPROVE_TASK", task: { name: "approve" }, of: digest }, sender },
    { task: "tenants", result: "succeeded", outputs: { stacks: 400 } },
  ].map((step) => simulation.step(step));

  expect(lines.map(({ outcome, stack }) => `${outcome} ${stack?.state}`)).toEqual([
    "applied REVIEW",
    "applied REVIEW",
    "applied TENANTS",
    "applied DONE",
  ]);
});
