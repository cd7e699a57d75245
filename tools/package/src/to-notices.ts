import { type Component, toReference } from "./load-components.ts";

/** The licences of all that is in a bundle, as they ask to be kept with copies. Packages of the same text share it. */
export function toNotices(components: readonly Component[]): string {
  const byText = new Map<string, Component[]>();
  for (const component of components) {
    const text = (component.licenseText ?? `Licence: ${component.license ?? "not said"}`)
      .replaceAll("\r\n", "\n")
      .trim();
    byText.set(text, [...(byText.get(text) ?? []), component]);
  }
  const parts = [...byText].map(([text, of]) => `${of.map(toReference).join("\n")}\n\n${text}\n`);
  return `This bundle contains the packages below.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
}
