// npm run package:npm, or npm run package -- [--app NAME…] [--out DIR] [--sign KEY [--passphrase-file FILE]]; see --help
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { packageOneFiles, toProvenance, toSha256 } from "./one-file.ts";
import { packDocs } from "./pack-docs.ts";
import { type NpmBundle, packageNpm, writeNpmBundle } from "./package-npm.ts";
import { HELP, type PackageArguments, parseArguments } from "./parse-arguments.ts";
import { type Revision, readRevision } from "./read-revision.ts";
import { createSigner, type Signer } from "./sign.ts";

const root = join(import.meta.dirname, "../../..");

async function openSigner({ sign, passphraseFile }: PackageArguments): Promise<Signer | undefined> {
  if (sign === undefined) return undefined;
  const passphrase = passphraseFile && (await readFile(passphraseFile, "utf8")).split(/\r?\n/)[0];
  return createSigner(await readFile(sign, "utf8"), passphrase);
}

async function run(input: PackageArguments): Promise<void> {
  const revision = readRevision(root);
  if (input.npm) await writeNpm(resolve(input.out), revision);
  else await writeRelease(resolve(input.out), input, revision);
}

async function writeNpm(out: string, revision: Revision): Promise<void> {
  const bundle = await packageNpm(root, revision.version);
  await writeNpmBundle(out, bundle);
  const files = await packageFiles(bundle, revision);
  const sums = [...files].map(([name, content]) => `${toSha256(content)}  ${name}\n`);
  for (const [name, content] of [...files, ["SHA256SUMS", sums.join("")] as const])
    await writeFile(join(out, name), content);
  process.stdout.write(`${[...files.keys(), "SHA256SUMS"].join("\n")}\nin ${out}\n`);
  process.stdout.write(`On this machine: npm install ${join(out, `stackyard-${revision.version}.tgz`)}\n`);
}

/** Returns what is installed with npm: each package that is one file, all packages in one archive, and what they were made from. */
async function packageFiles(bundle: NpmBundle, revision: Revision): Promise<ReadonlyMap<string, Uint8Array>> {
  const packages = await packageOneFiles(root, bundle, revision);
  const docs = packDocs(root);
  const archives = new Map([
    ...(docs === undefined ? [] : [docs]),
    ...packages.map(({ file, content }) => [file, content] as const),
  ]);
  const locked = packages.flatMap((each) => each.locked);
  return new Map([
    ...archives,
    [`${bundle.folder}.tar.gz`, bundle.archive],
    [`${bundle.folder}.provenance.json`, Buffer.from(toProvenance(archives, locked, revision))],
  ]);
}

async function writeRelease(out: string, input: PackageArguments, revision: Revision): Promise<void> {
  const signer = await openSigner(input);
  // Templates and zips need packages that the bundle of npm packages does not, and seconds to load.
  const { synthesizeTemplates } = await import("@stackyard/cdk");
  const { loadConsumer } = await import("@stackyard/templates");
  const { packageRelease } = await import("./package-release.ts");
  const templates = synthesizeTemplates({ consumer: await loadConsumer(root) });
  const others = new Map<string, Uint8Array>();
  if (input.apps.length === 0) {
    const bundle = await packageNpm(root, revision.version);
    for (const [name, content] of await packageFiles(bundle, revision)) others.set(name, content);
  }
  const files = await packageRelease({ root, out, apps: input.apps, revision, templates, others, signer });
  process.stdout.write(`${revision.version} in ${out}${signer === undefined ? "" : ", signed"}\n`);
  for (const { name, bytes, sha256 } of files)
    process.stdout.write(`${sha256}  ${String(bytes).padStart(9)}  ${name}\n`);
}

const input = parseArguments(process.argv.slice(2));
if (input === "help") process.stdout.write(HELP);
else if ("refusal" in input) {
  process.stderr.write(`${input.refusal} See --help.\n`);
  process.exitCode = 64;
} else {
  await run(input).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
