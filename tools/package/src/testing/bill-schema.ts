import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";

const require = createRequire(import.meta.url);

/** Validates a bill of materials by CycloneDX's own schemas in its library; returns one line per fault. */
export function findBillFaults(bill: unknown): readonly string[] {
  const library = dirname(require.resolve("@cyclonedx/cyclonedx-library/package.json"));
  const load = (name: string): object =>
    JSON.parse(readFileSync(join(library, "res/schema", `${name}.SNAPSHOT.schema.json`), "utf8"));
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv, ["date-time", "uri"]);
  // Both are names for readers: neither contains a URL or address that matters.
  ajv.addFormat("iri-reference", true);
  ajv.addFormat("idn-email", true);
  for (const name of ["spdx", "jsf-0.82"]) {
    ajv.addSchema(load(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  const check = ajv.compile(load("bom-1.6"));
  return check(bill) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
