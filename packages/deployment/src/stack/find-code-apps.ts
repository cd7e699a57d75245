import type { TemplateParameters } from "./parse-template-parameters.ts";

const CODE_KEY = /^([A-Z][A-Za-z0-9]*)CodeKey$/;

/** The apps whose code a template asks for by a parameter such as `StateManagerCodeKey`: `state-manager`, by that beginning. */
export function findCodeApps(template: TemplateParameters): ReadonlyMap<string, string> {
  const apps = new Map<string, string>();
  for (const name of Object.keys(template)) {
    const [, start] = CODE_KEY.exec(name) ?? [];
    if (start !== undefined) apps.set(start, start.replace(/(?<=.)[A-Z]/g, "-$&").toLowerCase());
  }
  return apps;
}
