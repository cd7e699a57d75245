import { type CompileContext, onValue } from "../document/compile-context.ts";
import { type Field, findField, findText, isMapField, type MapNode, toFields } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import { checkDeclared, type MetadataDraft } from "./read-metadata.ts";

/** Names of outputs by the metadata key that they are stored under. */
export function readOutputs(
  context: CompileContext,
  task: Field<MapNode>,
  metadata: MetadataDraft,
): ReadonlyMap<string, string> {
  const field = findField(task, "outputs");
  if (field === undefined) return new Map();
  if (!isMapField(field)) {
    const message = `outputs must be a map of metadata keys to names of outputs, but it is ${describe(field.node)}.`;
    context.problems.error("outputs-not-map", onValue(field), message);
    return new Map();
  }
  const outputs = new Map<string, string>();
  for (const [key, output] of toFields(field)) {
    checkDeclared(context, output, key, metadata);
    const name = findText(output);
    if (name) outputs.set(key, name);
    else refuseName(context, output);
  }
  return outputs;
}

function refuseName({ problems }: CompileContext, output: Field): void {
  const what = findText(output) === "" ? "an empty text" : describe(output.node);
  const message = `An output's name must be a text, but this is ${what}. Write the metadata key before the colon.`;
  problems.error("output-name-not-string", onValue(output), message);
}
