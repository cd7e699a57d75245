import { StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const TemplateParameter = Type.Object({
  Type: Type.String(),
  Default: Type.Optional(Type.Unknown()),
  Description: Type.Optional(Type.String()),
});
const TemplateDocument = Type.Object({
  Parameters: Type.Optional(Type.Record(Type.String({ pattern: "^[A-Za-z0-9]{1,255}$" }), TemplateParameter)),
});

/** The parameters of a template by name. */
export type TemplateParameters = Readonly<Record<string, Static<typeof TemplateParameter>>>;

const document = Compile(TemplateDocument);

/** Reads which parameters a template in JSON has. Throws `CONFIG_INVALID` for what is no template. */
export function parseTemplateParameters(text: string): TemplateParameters {
  const value = parseJson(text);
  if (document.Check(value)) return value.Parameters ?? {};
  throw new StackyardError("CONFIG_INVALID", "The template's parameters do not fit. Publish it again.");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StackyardError("CONFIG_INVALID", "The template is not JSON. Publish it again.", { cause });
  }
}
