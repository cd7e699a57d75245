import { createHash } from "node:crypto";
import { join } from "node:path";
import { type AppFolder, type Bundle, bundleApp } from "./bundle-app.ts";
import { type Component, loadComponents, toReference } from "./load-components.ts";
import type { Revision } from "./read-revision.ts";
import { toBillOfMaterials } from "./to-bill-of-materials.ts";
import { type Files, toZip } from "./to-zip.ts";

/** An app, ready to be published. */
export interface PackagedApp {
  readonly name: string;
  readonly zip: Uint8Array;
  /** CycloneDX, JSON. */
  readonly bill: string;
}

/** The predecessor's functions use the handler `src/index.lambdaHandler`; they accept this zip unchanged. */
const ALIAS = 'export { handler, lambdaHandler } from "../index.mjs";\n';

/**
 * Builds an app in the folder `temp` and packs it: the bundle, the alias of its handler where it exports one, and the licences
 * of what is in it. Undefined: the app has no function.
 */
export async function packageApp(
  app: AppFolder,
  { root, temp, revision }: { readonly root: string; readonly temp: string; readonly revision: Revision },
): Promise<PackagedApp | undefined> {
  const bundle = await bundleApp(app, join(temp, app.name));
  if (bundle === undefined) return undefined;
  const components = await loadComponents(bundle.inputs, root);
  const zip = toZip(addFiles(bundle, toNotices(components)));
  const bill = toBillOfMaterials({
    app: app.name,
    version: revision.version,
    at: revision.at,
    components,
    sha256: createHash("sha256").update(zip).digest("hex"),
    external: bundle.inputs.external,
  });
  return { name: app.name, zip, bill };
}

function addFiles({ files, inputs }: Bundle, notices: string): Files {
  const text = new TextEncoder();
  const more: [string, Uint8Array][] = [["NOTICES.txt", text.encode(notices)]];
  if (inputs.exports.includes("lambdaHandler")) more.push(["src/index.mjs", text.encode(ALIAS)]);
  return new Map([...files, ...more]);
}

/**
 * Formats the licences of everything in a bundle, which require to be kept with copies. Packages with the same text
 * share it.
 */
export function toNotices(components: readonly Component[]): string {
  const byText = Map.groupBy(components, ({ licenseText, license = "not said" }) => {
    return (licenseText ?? `Licence: ${license}`).replaceAll("\r\n", "\n").trim();
  });
  const parts = [...byText].map(([text, of]) => `${of.map(toReference).join("\n")}\n\n${text}\n`);
  return `This bundle contains the packages below.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
}
