import { type CompileContext, onMissing, onValue } from "./compile-context.ts";
import type { DocumentVersion } from "./find-version.ts";
import { type Field, findField, type MapNode } from "./tree.ts";
import { describe } from "./wording.ts";

/**
 * The number of the version in any spelling; of version 1 also the text "1", with a warning. Whatever else stands there,
 * the rest of the document is judged as the version that is given.
 */
export function checkVersion({ problems }: CompileContext, root: Field<MapNode>, judged: DocumentVersion): void {
  const version = findField(root, "version");
  if (version === undefined) {
    const message = 'version is missing: write "version: 1" or "version: 2".';
    problems.error("version-unsupported", onMissing(root, "version"), message);
    return;
  }
  const value = version.node.kind === "scalar" ? version.node.value : undefined;
  if (value === judged) return;
  if (value === "1") {
    const message = 'version is the text "1"; write the number 1, without quotes.';
    problems.warn("version-coerced", onValue(version), message);
    return;
  }
  const message =
    value === "2"
      ? 'version is the text "2"; write the number 2, without quotes.'
      : `version is ${describe(version.node)}, which is not supported; write "version: 1" or "version: 2".`;
  problems.error("version-unsupported", onValue(version), message);
}
