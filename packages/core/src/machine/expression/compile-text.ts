// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { compileProgram } from "./compile-program.ts";
import type { SecretPlace } from "./expression.ts";
import { EXPRESSION_LIMITS } from "./expression-limits.ts";
import type { ExpressionFault, ExpressionPlace } from "./expression-place.ts";
import { findSecretPlace } from "./find-secret-place.ts";
import { splitTemplate, type TemplatePart } from "./split-template.ts";
import type { Placeholder, TemplateNode } from "./template-node.ts";

/** What one compilation of a template collects. */
export interface TextWork {
  readonly place: ExpressionPlace;
  /** Of the whole template, so far. */
  readonly count: { placeholders: number };
  /** Takes a fault of the string that is being compiled. */
  fault(fault: ExpressionFault): void;
}

/** Compiles a string with `${…}`. A string that is exactly one placeholder keeps the type of its value. */
export function compileText(work: TextWork, text: string): TemplateNode {
  const parts = splitTemplate(text).flatMap((part) => compilePart(work, part));
  const [only, ...more] = parts;
  if (only !== undefined && typeof only !== "string" && more.length === 0) {
    return { kind: "placeholder", placeholder: only };
  }
  const texts = parts.filter((part) => typeof part === "string");
  return texts.length < parts.length ? { kind: "text", parts } : { kind: "constant", value: texts.join("") };
}

function compilePart(work: TextWork, part: TemplatePart): readonly (string | Placeholder)[] {
  if (part.kind === "text") return [part.text];
  if (part.kind === "unterminated") {
    const message = "This `${` has no `}` behind it. Text with `${` is written `$${`.";
    work.fault({ code: "expression-unterminated", message, offset: part.offset });
    return [];
  }
  if (work.count.placeholders === EXPRESSION_LIMITS.maxPlaceholders) {
    const message = `More than ${EXPRESSION_LIMITS.maxPlaceholders} placeholders in one value.`;
    work.fault({ code: "limit-exceeded", message, offset: part.offset });
    return [];
  }
  return compilePlaceholder(work, part);
}

function compilePlaceholder(work: TextWork, { source, offset }: { source: string; offset: number }): Placeholder[] {
  const { place } = work;
  let secret: SecretPlace | undefined;
  const checked = compileProgram(source, ({ tree }) => {
    secret = place.sensitive === "placeholder" ? findSecretPlace(tree) : undefined;
    return secret ? { ...place, sensitive: "always" } : place;
  });
  if (checked.kind === "faults") {
    for (const fault of checked.faults) work.fault({ ...fault, offset: fault.offset + offset });
    return [];
  }
  work.count.placeholders += 1;
  const sensitive = secret?.kind === "metadata" && place.metadata.sensitive.has(secret.key);
  return [{ source, program: checked.program, sensitive, ...(secret && { secret }) }];
}
