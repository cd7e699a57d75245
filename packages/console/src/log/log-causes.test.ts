import { expect, it } from "vitest";
import { isCause } from "./log-causes.ts";

it.each([
  ["Error: no such bucket", true],
  ["\u001b[31mError: no such bucket\u001b[0m", true],
  ["\u001b[1m\u001b[38;5;196mfatal\u001b[0m: not a repository", true],
  ["\u001b[32mApply complete!\u001b[0m", false],
  ["terror", false],
])("is the line %j a cause: %s", (line, expected) => {
  expect(isCause(line)).toBe(expected);
});
