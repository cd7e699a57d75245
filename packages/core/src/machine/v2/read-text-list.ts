import { type CompileContext, onValue } from "../document/compile-context.ts";
import { type Field, findText, isListField, toItems } from "../document/tree.ts";
import { describe } from "../document/wording.ts";

/** One text of a list. */
export interface TextItem {
  readonly text: string;
  readonly field: Field;
}

/** What a list of texts is called, and the code of whatever else stands there. */
export interface TextListRule {
  readonly what: string;
  readonly code: string;
}

/** The texts of a list, as they stand. Anything else, in the list too, is a problem; undefined when there is no list. */
export function readTextList(
  { problems }: CompileContext,
  field: Field,
  { what, code }: TextListRule,
): readonly TextItem[] | undefined {
  if (!isListField(field)) {
    problems.error(code, onValue(field), `${what}, but this is ${describe(field.node)}.`);
    return undefined;
  }
  return toItems(field).flatMap((item) => {
    const text = findText(item);
    if (text !== undefined && text !== "") return [{ text, field: item }];
    problems.error(
      code,
      onValue(item),
      `${what}, but it holds ${text === "" ? "an empty text" : describe(item.node)}.`,
    );
    return [];
  });
}
