// npm run package -- [--app NAME…] [--out DIR] [--sign KEY [--passphrase-file FILE]]; see --help
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { synthesizeTemplates } from "@stackyard/cdk";
import { loadConsumer } from "@stackyard/templates";
import { packageRelease } from "./package-release.ts";
import { HELP, type PackageArguments, parseArguments } from "./parse-arguments.ts";
import { readRevision } from "./read-revision.ts";
import { createSigner, type Signer } from "./sign.ts";

const root = join(import.meta.dirname, "../../..");

async function openSigner({ sign, passphraseFile }: PackageArguments): Promise<Signer | undefined> {
  if (sign === undefined) return undefined;
  const passphrase = passphraseFile && (await readFile(passphraseFile, "utf8")).split(/\r?\n/)[0];
  return createSigner(await readFile(sign, "utf8"), passphrase);
}

async function run(input: PackageArguments): Promise<void> {
  const revision = readRevision(root);
  const signer = await openSigner(input);
  const templates = synthesizeTemplates({ consumer: await loadConsumer(root) });
  const out = resolve(input.out);
  const files = await packageRelease({ root, out, apps: input.apps, revision, templates, signer });
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
