import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";
import { listPassed, toBatches } from "./run-tests.ts";

const aFile = (path: string) => ({ path, project: "unit", tier: "first", why: "" }) as const;
const aResult = (statuses: Readonly<Record<string, string>>, failed: number) => ({
  batch: { files: [...Object.keys(statuses), "left.test.ts"].map(aFile), noun: "tests" },
  report: {
    testResults: Object.entries(statuses).map(([path, status]) => ({
      name: join(repositoryRoot, path),
      status: status === "failed" ? "failed" : "passed",
      assertionResults: [{ status }],
    })),
  },
  summary: { passed: 1, failed, skipped: 0 },
});

describe("toBatches", () => {
  const paths = ["a", "b", "c"].map((name) => `packages/${name}/src/weather.promise.test.ts`);
  const files = ["x.test.ts", ...paths].map(aFile);
  const chosen = (commit: string) =>
    toBatches(files, false, commit).find(({ env }) => env?.["WEATHER"] === "area")?.files;

  it("gives the stories of each package their turn, by the commit", () => {
    const commits = Array.from({ length: 40 }, (_, index) => String(index));

    const seen = new Set(commits.flatMap((commit) => chosen(commit)?.map(({ path }) => path) ?? []));

    expect([...seen].toSorted()).toEqual(paths);
    expect(chosen("1")).toEqual(chosen("1"));
  });

  it("runs each file once", () => {
    const all = toBatches(files, false, "1").flatMap((batch) => batch.files.map(({ path }) => path));

    expect(all.toSorted()).toEqual(files.map(({ path }) => path).toSorted());
    expect(chosen("")).toBe(undefined);
  });
});

describe("listPassed", () => {
  it("leaves out files with a failure, and those that did not run", () => {
    expect(listPassed(aResult({ "a.test.ts": "passed", "b.test.ts": "failed" }, 1))).toEqual(["a.test.ts"]);
  });

  it("lists nothing when something outside of tests failed, such as an unhandled rejection or a file that did not run", () => {
    expect(listPassed(aResult({ "a.test.ts": "passed" }, 1))).toEqual([]);
  });
});
