// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
/** Text as a template that gives it back: each `${` becomes `$${`. */
export function escapeTemplate(text: string): string {
  return text.replaceAll("${", () => "$${");
}
