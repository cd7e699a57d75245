import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as core from "@stackyard/core/api/operations";
import { expect, it } from "vitest";

/** Operations without a method of the client, and why. */
const WITHOUT: Readonly<Record<string, string>> = {
  getLiveness: "A probe of the process, which says nothing about the yard.",
  getServerProof: "The command line asks it of a server before it sends a token.",
  listHooks: "The commands of code hosts are a plugin, with requests of their own.",
  listQueue: "The commands of code hosts are a plugin, with requests of their own.",
  listServices: "stackyard doctor alone reads it.",
  redriveQueueItem: "The commands of code hosts are a plugin, with requests of their own.",
};

const source = fileURLToPath(new URL(".", import.meta.url));

it("has a method for each operation that core declares", () => {
  const files = globSync("**/*.ts", { cwd: source }).filter((file) => !file.includes(".test"));
  const text = files.map((file) => readFileSync(`${source}${file}`, "utf8")).join("\n");
  const called = new Set([...text.matchAll(/\btypeof op\.(\w+)/g)].map(([, name]) => name));
  const declared = Object.entries(core).flatMap(([name, each]) =>
    typeof each === "object" && "operationId" in each ? [name] : [],
  );

  expect(declared.length).toBeGreaterThan(60);
  expect(declared.filter((name) => !called.has(name)).toSorted()).toEqual(Object.keys(WITHOUT).toSorted());
});
