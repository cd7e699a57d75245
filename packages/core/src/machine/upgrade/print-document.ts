import { stringify } from "yaml";

/** A document as text: JSON where the old text is JSON, else YAML; line ends as in the old text. */
export function printDocument(old: string, document: unknown): string {
  const text = old.trimStart().startsWith("{")
    ? `${JSON.stringify(document, undefined, 2)}\n`
    : stringify(document, { ...toStyle(old), version: "1.2", schema: "core", aliasDuplicateObjects: false });
  return withLineEnds(old, text);
}

/** How the old text is written, as far as the YAML library can write alike. */
export function toStyle(old: string) {
  return {
    lineWidth: 0,
    flowCollectionPadding: /[{[] /.test(old),
    indentSeq: !/^( *)[^\s#-].*:[ \t]*\r?\n\1- /m.test(old),
  } as const;
}

/** A text with the line ends of another. */
export function withLineEnds(old: string, text: string): string {
  return old.includes("\r\n") ? text.replace(/\r*\n/g, "\r\n") : text;
}
