import { type CompileContext, onMissing, onValue } from "../document/compile-context.ts";
import { type Field, findField, type MapNode } from "../tree.ts";
import { describe } from "../wording.ts";

/** The number 1 in any spelling; the text "1" with a warning. Whatever else stands there, the rest is judged as v1. */
export function checkVersion({ problems }: CompileContext, root: Field<MapNode>): void {
  const version = findField(root, "version");
  if (version === undefined) {
    const message = 'version is missing: write "version: 1".';
    problems.error("version-unsupported", onMissing(root, "version"), message);
    return;
  }
  const value = version.node.kind === "scalar" ? version.node.value : undefined;
  if (value === 1) return;
  if (value === "1") {
    const message = 'version is the text "1"; write the number 1, without quotes.';
    problems.warn("version-coerced", onValue(version), message);
    return;
  }
  const message = `version is ${describe(version.node)}, which is not supported; write "version: 1".`;
  problems.error("version-unsupported", onValue(version), message);
}
