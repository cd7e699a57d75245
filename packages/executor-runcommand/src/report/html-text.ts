import { toCleanText } from "./clean-text.ts";

/** Markup that was made by `html` alone. */
export interface Html {
  readonly markup: string;
}

/** Markup from a template: whatever is put into it is text, unless `html` has made it. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const filled = parts.map((part, index) => part + toMarkup(values[index] ?? ""));
  return { markup: filled.join("") };
}

type HtmlValue = string | number | Html | readonly Html[];

function toMarkup(value: HtmlValue): string {
  if (typeof value === "string" || typeof value === "number") return toHtmlText(String(value));
  return "markup" in value ? value.markup : value.map(({ markup }) => markup).join("");
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
  ["`", "&#96;"],
]);

/** Text as it may stand between tags and in quoted attributes. */
export function toHtmlText(text: string): string {
  return toCleanText(text).replaceAll(/[&<>"'`]/g, (character) => ENTITIES.get(character) ?? "");
}

/** The class of a standing, such as `is-not-sent`. */
export function toClass(standing: string): string {
  return `is-${standing.replaceAll(" ", "-")}`;
}

/** Text of ours in which words between backticks are code. */
export function toRichText(text: string): Html {
  const parts = text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
  return html`${parts}`;
}
