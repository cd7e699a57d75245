import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseApps, findApps } from "./bundle-app.ts";
import { type PackagedApp, packageApp } from "./package-app.ts";
import type { Revision } from "./read-revision.ts";
import type { Signer } from "./sign.ts";

/** What a release is made from. */
export interface ReleaseInput {
  readonly root: string;
  /** Emptied first. */
  readonly out: string;
  /** Empty: all. */
  readonly apps: readonly string[];
  readonly revision: Revision;
  /** CloudFormation templates, by name. */
  readonly templates: readonly { readonly name: string; readonly body: string }[];
  /** Further files, by name. */
  readonly others: ReadonlyMap<string, Uint8Array>;
  readonly signer: Signer | undefined;
}

/** One file of a release. */
export interface ReleaseFile {
  readonly name: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/**
 * Writes a release into a folder: zips with their bills of materials, templates, other files, `release.json` that names the first two, `SHA256SUMS`
 * of all of them, and a signature for each if a signer is configured. Returns the files that have a checksum.
 */
export async function packageRelease(input: ReleaseInput): Promise<readonly ReleaseFile[]> {
  const { out, revision, signer } = input;
  const apps = await packageApps(input);
  const contents = toContents(apps, input, revision);
  const files = [...contents].map(([name, content]) => toReleaseFile(name, content));
  const sums = files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join("");
  const all = new Map([...contents, ["SHA256SUMS", Buffer.from(sums)]]);
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  for (const [name, content] of all) {
    await writeFile(join(out, name), content);
    if (signer !== undefined) await writeFile(join(out, `${name}.asc`), await signer.sign(content));
  }
  return files;
}

async function packageApps({ root, apps, revision }: ReleaseInput): Promise<readonly PackagedApp[]> {
  const temp = await mkdtemp(join(tmpdir(), "stackyard-package-"));
  try {
    const packaged: PackagedApp[] = [];
    for (const app of chooseApps(findApps(root), apps)) {
      const found = await packageApp(app, { root, temp, revision });
      if (found !== undefined) packaged.push(found);
    }
    return packaged;
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

/** Returns the contents sorted by name, so that the sums are always the same. */
function toContents(
  apps: readonly PackagedApp[],
  { templates, others }: Pick<ReleaseInput, "templates" | "others">,
  { version, commit }: Revision,
): ReadonlyMap<string, Uint8Array> {
  const zipOf = (name: string): string => `${name}-${version}.zip`;
  const templateOf = (name: string): string => `${name}.template.json`;
  const release = {
    version,
    ...(commit === undefined ? {} : { commit }),
    apps: apps.map(({ name }) => ({ name, file: zipOf(name) })),
    templates: templates.map(({ name }) => ({ name, file: templateOf(name) })),
  };
  const entries: readonly (readonly [string, Uint8Array])[] = [
    ...apps.map(({ name, zip }) => [zipOf(name), zip] as const),
    ...apps.map(({ name, bill }) => [`${name}-${version}.cdx.json`, Buffer.from(bill)] as const),
    ...templates.map(({ name, body }) => [templateOf(name), Buffer.from(body)] as const),
    ...others,
    ["release.json", Buffer.from(`${JSON.stringify(release, undefined, 2)}\n`)],
  ];
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function toReleaseFile(name: string, content: Uint8Array): ReleaseFile {
  return { name, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
}
