import * as operations from "@stackyard/core/api/operations";
import { describe, expect, it } from "vitest";
import { loadDocument } from "./load-document.ts";

// A call of an executor without a machine is a job, in the API as in the glossary. Other things are called runs, each for its reason.

const OTHERS: Readonly<Record<string, string>> = {
  dryRun: "A dry run.",
  dismissUnsavedRun: "A run of Terraform.",
  listUnsavedRuns: "A run of Terraform.",
  UnsavedRun: "A run of Terraform.",
  awaitsRuns: "Task runs of earlier entries.",
  runs: "Tasks that a plan would run.",
  CustomResourceRun: "A request of CloudFormation.",
  getCustomResourceRun: "A request of CloudFormation.",
  listCustomResourceRuns: "A request of CloudFormation.",
};
const RUN = /(?:^|[^A-Za-z])runs?(?:$|[^a-z])|Runs?(?:$|[^a-z])/;

const document = await loadDocument("1.0.0");

/** Returns all keys of a value: of paths, schemas and their properties. */
function listKeys(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(listKeys);
  return Object.entries(value).flatMap(([key, child]) => [key, ...listKeys(child)]);
}

/** Returns the values of enums and literals, such as kinds. */
function listValues(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const { enum: values, const: only } = Object(value);
  // `enum` may also be the name of a property.
  const own = [values, only].flat().filter((each) => typeof each === "string");
  return [...own, ...Object.values(value).flatMap(listValues)];
}

const ids = Object.values(document.paths).flatMap((path) =>
  Object.values(path).map((each) => String(each["operationId"])),
);
const named = new Set([...ids, ...Object.keys(operations), ...listKeys(document), ...listValues(document)]);

describe("the API", () => {
  it("calls a job a job in each path, operation, schema, property and kind", () => {
    const found = [...named].filter((name) => RUN.test(name) && OTHERS[name] === undefined);

    expect(found).toEqual([]);
    expect([...named]).toEqual(expect.arrayContaining(["/v1/jobs", "Job", "jobId"]));
  });

  it("has each name that is called a run for another reason", () => {
    expect(Object.keys(OTHERS).filter((name) => !named.has(name))).toEqual([]);
  });

  it.each(["/v1/runs", "/v1/runs/{runId}", "Run", "OpenRun", "runId", "listRuns", "run", "run-id"])(
    "would not have %s",
    (name) => {
      expect(RUN.test(name) && OTHERS[name] === undefined).toBe(true);
    },
  );

  it("has no texts in which a job is a run", () => {
    const jobs = Object.entries(document.paths).filter(([path]) => path.startsWith("/v1/jobs"));
    const texts = jobs.flatMap(([, path]) => JSON.stringify(path).match(/\b(?:an?|the|this|each|no) runs?\b/g) ?? []);

    expect(texts).toEqual([]);
  });
});
