import { expect, it } from "vitest";
import { findFlakes } from "./flakes.ts";

const aReport = (statuses: Readonly<Record<string, string>>) => ({
  testResults: [
    {
      name: "/a/b.test.ts",
      status: "passed",
      assertionResults: Object.entries(statuses).map(([fullName, status]) => ({
        status,
        fullName,
        failureMessages: status === "failed" ? ["\u001b[31mexpected 1 to be 2\u001b[39m\n at a line"] : [],
      })),
    },
  ],
});

it("lists only tests that failed in some rounds and passed in others, each on one plain line", () => {
  const rounds = [
    [aReport({ opens: "passed", closes: "passed", waits: "failed", skips: "skipped" })],
    [aReport({ opens: "passed", closes: "failed", waits: "failed", skips: "skipped" })],
  ];

  expect(findFlakes(rounds)).toEqual(["1 of 2 times: /a/b.test.ts > closes: expected 1 to be 2"]);
});

it("finds nothing in one round", () => {
  expect(findFlakes([[aReport({ opens: "failed", closes: "passed" })]])).toEqual([]);
});
