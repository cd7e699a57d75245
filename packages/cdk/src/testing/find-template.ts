import { synthesizeTemplates } from "../templates/synthesize-templates.ts";
import { SOURCES } from "./an-artifacts-app.ts";

const cache = new Map<boolean, ReadonlyMap<string, string>>();

/** Returns the bodies of all templates by name, synthesized once per process. `inline`: with the code of the consumer. */
export function listBodies({ inline = false } = {}): ReadonlyMap<string, string> {
  const found =
    cache.get(inline) ??
    new Map(synthesizeTemplates(inline ? SOURCES : undefined).map(({ name, body }) => [name, body] as const));
  cache.set(inline, found);
  return found;
}

/** Returns the body of a template. Throws for an unknown name. */
export function findBody(name: string, options: { readonly inline?: boolean } = {}): string {
  const body = listBodies(options).get(name);
  if (body === undefined) throw new Error(`No template ${name}.`);
  return body;
}
