import { stripVTControlCharacters } from "node:util";
import type { VitestReport } from "./test-summary.ts";

/**
 * Returns one line for each test that failed in some of several rounds and passed in others: in how many it failed, its name,
 * and what failed first.
 */
export function findFlakes(rounds: readonly (readonly VitestReport[])[]): string[] {
  const tests = new Map<string, { passed: number; readonly messages: string[] }>();
  const results = rounds.flat().flatMap(({ testResults = [] }) => testResults);
  for (const { name, assertionResults } of results) {
    for (const { status, fullName, failureMessages } of assertionResults) {
      const key = `${name} > ${fullName}`;
      const test = tests.get(key) ?? { passed: 0, messages: [] };
      tests.set(key, test);
      if (status === "passed") test.passed += 1;
      if (status === "failed") test.messages.push(stripVTControlCharacters(failureMessages?.[0] ?? ""));
    }
  }
  return [...tests]
    .filter(([, { passed, messages }]) => passed > 0 && messages.length > 0)
    .map(([key, { passed, messages }]) => {
      const [first = ""] = messages;
      return `${messages.length} of ${passed + messages.length} times: ${key}: ${first.split("\n")[0]}`;
    });
}
