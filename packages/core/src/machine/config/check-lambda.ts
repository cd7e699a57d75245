import { checkKeys } from "../document/check-keys.ts";
import { type CompileContext, onMissing, onValue } from "../document/compile-context.ts";
import { type Field, findField, findText, isMapField, type MapNode } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import { warnAmbiguous } from "./scalar-ambiguity.ts";

/** The config of a Lambda task. */
export function checkLambda(context: CompileContext, config: Field<MapNode>): void {
  checkKeys(context, config, { known: ["name", "args"], code: "config-unknown-key", owner: "a lambda config" });
  const name = findField(config, "name");
  if (name === undefined) {
    context.problems.error(
      "lambda-name-required",
      onMissing(config, "name"),
      "A lambda task needs name: the function's name or ARN.",
    );
  } else if (!findText(name)) {
    const message = `The function's name must be a text that is not empty, but it is ${describe(name.node)}.`;
    context.problems.error("lambda-name-not-string", onValue(name), message);
  }
  const args = findField(config, "args");
  if (args && !isMapField(args)) {
    const message = `args must be a map, but it is ${describe(args.node)}.`;
    context.problems.error("lambda-args-not-map", onValue(args), message);
  } else if (args) {
    warnAmbiguous(context, args);
  }
}
