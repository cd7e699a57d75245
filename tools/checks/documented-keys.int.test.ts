import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ExecutorDefinition, isMap } from "@stackyard/core";
import { EventMessage } from "@stackyard/core/machine";
import { asgDefinition } from "@stackyard/executor-asg/definition";
import { commandDefinition } from "@stackyard/executor-command/definition";
import { ecsDefinition } from "@stackyard/executor-ecs/definition";
import { lambdaDefinition } from "@stackyard/executor-lambda/definition";
import { runCommandDefinition } from "@stackyard/executor-runcommand/definition";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";
import { idleDefinition, leakCheckDefinition, quotaDefinition } from "@stackyard/previews/definition";
import { promotionDefinitions } from "@stackyard/promotion/definition";
import { expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

/** The keys of a schema's maps; of a union, those of all its members. */
function listKeys(schema: unknown): readonly string[] {
  if (!isMap(schema)) return [];
  const members = Array.isArray(schema["anyOf"]) ? schema["anyOf"] : [];
  return [...Object.keys(isMap(schema["properties"]) ? schema["properties"] : {}), ...members.flatMap(listKeys)];
}

const listMissing = (keys: readonly string[], ...pages: readonly string[]) => {
  const text = pages.map((page) => readFileSync(join(repositoryRoot, page), "utf8")).join("\n");
  return keys.filter((key) => !text.includes(`\`${key}\``));
};

const definitions: readonly (readonly [string, Pick<ExecutorDefinition, "name" | "config" | "outputs">])[] = [
  ["executor-asg", asgDefinition],
  ["executor-command", commandDefinition],
  ["executor-ecs", ecsDefinition],
  ["executor-lambda", lambdaDefinition],
  ["executor-runcommand", runCommandDefinition],
  ["executor-terraform", terraformDefinition],
  ...promotionDefinitions.filter(({ name }) => name === "deploy").map((deploy) => ["promotion", deploy] as const),
  ["previews", quotaDefinition],
  ["previews", leakCheckDefinition],
  ["previews", idleDefinition],
];

it.each(definitions.map(([folder, definition]) => [definition.name, folder, definition] as const))(
  "each key of the config and each output of %s is in the README of %s",
  (_, folder, { config, outputs }) => {
    const keys = [...listKeys(config), ...listKeys(outputs)];

    expect(keys.length).toBeGreaterThan(0);
    expect(listMissing(keys, `packages/${folder}/README.md`)).toEqual([]);
  },
);

it("each key of an event is in docs/events.md or docs/event-reference.md", () => {
  expect(listKeys(EventMessage)).toContain("stackId");
  expect(listMissing(listKeys(EventMessage), "docs/events.md", "docs/event-reference.md")).toEqual([]);
});
