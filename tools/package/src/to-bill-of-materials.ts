import { createHash } from "node:crypto";
import { type Component, toReference } from "./load-components.ts";

/** What a bill of materials is of. */
export interface BillInput {
  readonly app: string;
  readonly version: string;
  /** SHA-256 of the zip, hex. */
  readonly sha256: string;
  /** When the commit was made, ISO 8601; undefined: unknown. */
  readonly at: string | undefined;
  readonly components: readonly Component[];
  /** Packages that the runtime brings. */
  readonly external: readonly string[];
}

/**
 * Returns a CycloneDX 1.6 bill of materials as JSON (cyclonedx.org/docs/1.6/json): what is in the zip, with licences,
 * digests of the packages and who needs whom. It is the same for the same input; its serial number comes from the zip.
 */
export function toBillOfMaterials(input: BillInput): string {
  const { app, version, sha256, at, components, external } = input;
  const root = `${app}@${version}`;
  const bill = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${toUuid(sha256)}`,
    version: 1,
    metadata: {
      ...(at === undefined ? {} : { timestamp: at }),
      component: {
        type: "application",
        "bom-ref": root,
        name: app,
        version,
        hashes: [{ alg: "SHA-256", content: sha256 }],
      },
      properties: external.map((value) => ({ name: "stackyard:broughtByRuntime", value })),
    },
    components: components.map(toComponent),
    dependencies: [
      { ref: root, dependsOn: components.map(toReference) },
      ...components.map((component) => ({ ref: toReference(component), dependsOn: [...new Set(component.imports)] })),
    ],
  };
  return `${JSON.stringify(bill, undefined, 2)}\n`;
}

function toComponent(component: Component) {
  const { name, version, license, sha512 } = component;
  return {
    type: "library",
    "bom-ref": toReference(component),
    name,
    version,
    scope: "required",
    ...(sha512 === undefined ? {} : { hashes: [{ alg: "SHA-512", content: sha512 }] }),
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    purl: toPackageUrl(name, version),
  };
}

/** Returns the package URL of an npm package: a scope's `@` is escaped (package-url/purl-spec, types/npm). */
function toPackageUrl(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** Returns a UUID of version 8, RFC 9562: its bits are ours to choose. */
function toUuid(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
