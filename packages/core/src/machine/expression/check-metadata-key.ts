import { findNearestName } from "../document/nearest-name.ts";
import { quote, suggest } from "../document/wording.ts";
import type { ExpressionFaultCode, ExpressionPlace } from "./expression-place.ts";
import { tellHyphenated } from "./name-hints.ts";

const MAX_CANDIDATES = 500;

/** What is wrong with naming a metadata key at a place; `hyphenated` is the longer name that was probably meant. */
export function checkMetadataKey(
  key: string,
  hyphenated: string | undefined,
  { metadata, sensitive }: ExpressionPlace,
): { code: ExpressionFaultCode; message: string } | undefined {
  if (metadata.declared.has(key)) {
    if (!metadata.sensitive.has(key) || sensitive === "always") return undefined;
    return { code: "sensitive-leak", message: tellLeak(key, sensitive) };
  }
  if (hyphenated !== undefined && metadata.declared.has(hyphenated)) {
    return { code: "expression-unknown-name", message: tellHyphenated(hyphenated) };
  }
  if (metadata.additional) return undefined;
  // Documents are hostile: looking through thousands of keys for each of thousands of expressions takes minutes.
  const known = metadata.declared.size > MAX_CANDIDATES ? [] : metadata.declared;
  const nearest = suggest(findNearestName(key, known));
  return { code: "metadata-undeclared", message: `The metadata key ${quote(key)} is not declared.${nearest}` };
}

function tellLeak(key: string, sensitive: ExpressionPlace["sensitive"]): string {
  return sensitive === "placeholder"
    ? `The sensitive key ${quote(key)} may stand only as a whole placeholder, \${metadata['${key}']}, in a config.`
    : `The sensitive key ${quote(key)} may not be read here.`;
}
