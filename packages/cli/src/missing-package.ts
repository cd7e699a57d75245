import { StackyardError } from "@stackyard/core";
import { formatInstall } from "./own-packages.ts";

/** Commands of our packages that a project may not have installed. */
const PACKAGES: ReadonlyMap<string, string> = new Map([
  ["apps", "@stackyard/deployment"],
  ["fleet", "@stackyard/executor-runcommand"],
  ["ecs", "@stackyard/executor-ecs"],
  ["asg", "@stackyard/executor-asg"],
  ["artifacts", "@stackyard/distributor"],
  ["consumers", "@stackyard/distributor"],
  ["hooks", "@stackyard/hosts"],
  ["hosts", "@stackyard/hosts"],
  ["queue", "@stackyard/hosts"],
  ["notify", "@stackyard/notifications"],
]);

/** Creates the `CONFIG_INVALID` for a command whose package is not installed; returns undefined for any other word. */
export function createMissingPackageError(words: readonly string[]): StackyardError | undefined {
  const first = words.find((word) => !word.startsWith("-")) ?? "";
  const name = PACKAGES.get(first);
  if (name === undefined) return undefined;
  const hint = `Install it with \`${formatInstall([name])}\`, and add "${name}" to "plugins" in stackyard.config.ts.`;
  return new StackyardError("CONFIG_INVALID", `The command "${first}" comes with the package ${name}.`, {
    details: { hint },
  });
}
