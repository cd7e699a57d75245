import type { ProblemList } from "./problem-list.ts";
import type { Field } from "./tree.ts";
import { describe } from "./wording.ts";

/**
 * Which rules a document is judged by. `other`: it is written for rules that are not known here, so that only
 * `version-unsupported` is worth telling. What is no version at all is refused too, but judged by the rules of v1.
 */
export function readVersion(problems: ProblemList, root: Field, version: Field | undefined): "v1" | "other" {
  if (version === undefined) {
    const spot = { path: root.path, at: root.keyAt };
    problems.error("version-unsupported", spot, 'version is missing: write "version: 1".');
    return "v1";
  }
  const spot = { path: version.path, at: version.node.at };
  const value = version.node.kind === "scalar" ? version.node.value : undefined;
  if (value === 1) return "v1";
  if (value === "1") {
    problems.warn("version-coerced", spot, 'version is the text "1"; write the number 1, without quotes.');
    return "v1";
  }
  const message = `The version ${describe(version.node)} is not supported; the version is the number 1.`;
  problems.error("version-unsupported", spot, message);
  return isLater(value) ? "other" : "v1";
}

function isLater(value: unknown): boolean {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && number >= 2;
}
