import { readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "..");

/** The release file, and its user data. */
export interface ReleaseFiles {
  readonly document: Readonly<Record<string, unknown>>;
  readonly userData: string;
}

/** Reads both. */
export function loadReleaseFiles(): ReleaseFiles {
  const file = join(FOLDER, "deploy-test.json");
  return { document: JSON.parse(readFileSync(file, "utf8")), userData: readFileSync(`${file}.userdata`, "utf8") };
}

/** A resource of the template. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

/** Returns the resources of the example's template, by logical id. */
export function loadResources(): Readonly<Record<string, TemplateResource>> {
  const file = join(FOLDER, "resources/deploy-test.template.json");
  return JSON.parse(readFileSync(file, "utf8")).Resources;
}
