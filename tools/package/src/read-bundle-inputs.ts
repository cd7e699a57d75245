import { relative, resolve, sep } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";

const Import = Type.Object({ path: Type.String(), external: Type.Optional(Type.Boolean()) });
const Metafile = Type.Object({
  inputs: Type.Record(Type.String(), Type.Object({ imports: Type.Array(Import) })),
  outputs: Type.Record(
    Type.String(),
    Type.Object({
      inputs: Type.Record(Type.String(), Type.Object({ bytesInOutput: Type.Integer() })),
      imports: Type.Array(Import),
      exports: Type.Array(Type.String()),
      entryPoint: Type.Optional(Type.String()),
    }),
  ),
});

/** What a bundle is made of. */
export interface BundleInputs {
  /** Folders of packages (absolute, by their names) of which something is in the bundle, with the packages they import. */
  readonly packages: ReadonlyMap<string, { readonly name: string; readonly imports: ReadonlySet<string> }>;
  /** Packages that are imported and not in it: the runtime brings them. */
  readonly external: readonly string[];
  /** What its entry exports. */
  readonly exports: readonly string[];
}

const metafile = Compile(Metafile);
const ENTRY = "src/index.ts";
const builtin = /^node:/;

/** Reads esbuild's metafile, whose paths are relative to `folder`. What was shaken out of the bundle is left out. */
export function readBundleInputs(value: unknown, folder: string): BundleInputs {
  if (!metafile.Check(value)) throw new Error("The metafile of the build does not fit.");
  const outputs = Object.values(value.outputs);
  const used = new Set(outputs.flatMap(({ inputs }) => Object.keys(inputs).filter((path) => isUsed(inputs[path]))));
  const packages = new Map<string, { name: string; imports: Set<string> }>();
  for (const path of used) {
    const found = findPackage(resolve(folder, path));
    if (found === undefined) continue;
    const known = packages.get(found.folder) ?? { name: found.name, imports: new Set<string>() };
    packages.set(found.folder, known);
    const imported = (value.inputs[path]?.imports ?? []).filter((each) => used.has(each.path));
    const folders = imported.flatMap((each) => findPackage(resolve(folder, each.path))?.folder ?? []);
    for (const to of folders) if (to !== found.folder) known.imports.add(to);
  }
  const external = outputs.flatMap(({ imports }) => imports.filter((each) => each.external === true));
  const names = external.map(({ path }) => path).filter((path) => !builtin.test(path));
  const exports = outputs.find(({ entryPoint }) => entryPoint === ENTRY)?.exports ?? [];
  return { packages, external: [...new Set(names.map(toPackageName))].sort(), exports };
}

function isUsed(input: { readonly bytesInOutput: number } | undefined): boolean {
  return (input?.bytesInOutput ?? 0) > 0;
}

interface FoundPackage {
  readonly folder: string;
  readonly name: string;
}

/** Returns the package of a file: below the last `node_modules`, or one of ours under `packages/` or `apps/`. */
function findPackage(path: string): FoundPackage | undefined {
  const at = path.lastIndexOf(`${sep}node_modules${sep}`);
  if (at >= 0) {
    const home = path.slice(0, at + "/node_modules/".length);
    const name = toPackageName(relative(home, path));
    return { folder: `${home}${name}`, name };
  }
  const [, folder, name] = /^(.*\/packages\/([^/]+))\//.exec(path) ?? [];
  return folder === undefined || name === undefined ? undefined : { folder, name };
}

function toPackageName(path: string): string {
  const parts = path.split("/");
  return parts.slice(0, path.startsWith("@") ? 2 : 1).join("/");
}
