import { StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const Name = Type.String({ pattern: "^[a-z][a-z0-9-]{0,62}$" });

/** `release.json`: what a folder of a release holds, and under which names it is published. */
export const ReleaseDocument = Type.Object(
  {
    version: Type.String({ pattern: "^[0-9][0-9A-Za-z.-]{0,63}$" }),
    commit: Type.Optional(Type.String({ pattern: "^[0-9a-f]{7,64}$" })),
    apps: Type.Array(Type.Object({ name: Name, file: Type.String({ maxLength: 200 }) }), { maxItems: 50 }),
    templates: Type.Array(Type.Object({ name: Name, file: Type.String({ maxLength: 200 }) }), { maxItems: 50 }),
  },
  { additionalProperties: false },
);
export type ReleaseDocument = Static<typeof ReleaseDocument>;

const document = Compile(ReleaseDocument);

/** Reads the text of a `release.json`. Throws `CONFIG_INVALID` with what is wrong and where. */
export function parseReleaseDocument(text: string): ReleaseDocument {
  const value = parseJson(text);
  if (document.Check(value)) return value;
  const faults = document.Errors(value).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`);
  throw new StackyardError("CONFIG_INVALID", `release.json does not fit: ${faults.join("; ")}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StackyardError("CONFIG_INVALID", "release.json is not JSON.", { cause });
  }
}
