import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { BundleInputs } from "./read-bundle-inputs.ts";

/** A package that is in a bundle. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** As its package.json says, such as `MIT`. */
  readonly license: string | undefined;
  /** SHA-512 of its package, hex; ours do not have one. */
  readonly sha512: string | undefined;
  /** The text of its licence. */
  readonly licenseText: string | undefined;
  /** `name@version` of what it imports. */
  readonly imports: readonly string[];
}

const Manifest = Type.Object({
  name: Type.String(),
  version: Type.String(),
  license: Type.Optional(Type.String()),
});
const Lock = Type.Object({
  packages: Type.Record(Type.String(), Type.Object({ integrity: Type.Optional(Type.String()) })),
});

const manifest = Compile(Manifest);
const lock = Compile(Lock);

/** Loads the packages of a bundle, sorted, with the facts in their manifests and the lock file of `root`. */
export async function loadComponents({ packages }: BundleInputs, root: string): Promise<readonly Component[]> {
  const locked: unknown = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8"));
  if (!lock.Check(locked)) throw new Error("package-lock.json does not fit.");
  const manifests = new Map<string, { name: string; version: string; license?: string }>();
  for (const folder of packages.keys()) manifests.set(folder, await loadManifest(folder));
  const toRef = (folder: string): string => {
    const found = manifests.get(folder);
    return found === undefined ? "" : toReference(found);
  };
  const components = [...packages].map(async ([folder, { imports }]): Promise<Component> => {
    const { name, version, license } = manifests.get(folder) ?? { name: "", version: "", license: undefined };
    const integrity = locked.packages[relative(root, folder)]?.integrity;
    return {
      name,
      version,
      license,
      sha512: toHex(integrity),
      licenseText: await findLicense(folder),
      imports: [...imports].map(toRef).sort(),
    };
  });
  return (await Promise.all(components)).sort((a, b) => (toReference(a) < toReference(b) ? -1 : 1));
}

/** Returns the name of a package in a bill of materials: `name@version`. */
export function toReference({ name, version }: Pick<Component, "name" | "version">): string {
  return `${name}@${version}`;
}

async function loadManifest(folder: string) {
  const value: unknown = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  if (manifest.Check(value)) return value;
  throw new Error(`${folder}/package.json does not fit.`);
}

async function findLicense(folder: string): Promise<string | undefined> {
  for (const name of ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE", "License.txt"]) {
    const text = await readFile(join(folder, name), "utf8").catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}

function toHex(integrity: string | undefined): string | undefined {
  const [, base64] = /^sha512-(\S+)/.exec(integrity ?? "") ?? [];
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("hex");
}
