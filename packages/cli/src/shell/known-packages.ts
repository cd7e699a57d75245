import { StackyardError } from "@stackyard/core";

/** Commands of packages of ours that a project may not have. */
const PACKAGES: ReadonlyMap<string, string> = new Map([
  ["apps", "@stackyard/deployment"],
  ["fleet", "@stackyard/executor-runcommand"],
  ["ecs", "@stackyard/executor-ecs"],
  ["release", "@stackyard/executor-asg"],
  ["artifacts", "@stackyard/distributor"],
  ["consumers", "@stackyard/distributor"],
]);

/** The error for a command whose package the project lacks. `CONFIG_INVALID`; undefined for any other word. */
export function tellMissingPackage(words: readonly string[]): StackyardError | undefined {
  const first = words.find((word) => !word.startsWith("-")) ?? "";
  const name = PACKAGES.get(first);
  if (name === undefined) return undefined;
  const hint = `Install it with \`npm install ${name}\`, and add "${name}" to "plugins" in stackyard.config.ts.`;
  return new StackyardError("CONFIG_INVALID", `The command "${first}" comes with the package ${name}.`, {
    details: { hint },
  });
}
