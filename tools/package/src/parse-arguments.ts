import { parseArgs } from "node:util";

/** What shall be built. */
export interface PackageArguments {
  /** Only the bundle of npm packages. */
  readonly npm: boolean;
  /** Empty: all. */
  readonly apps: readonly string[];
  readonly out: string;
  /** File of an armored private key. */
  readonly sign: string | undefined;
  /** File whose first line opens the key. */
  readonly passphraseFile: string | undefined;
}

export const HELP = `Builds what a release is made of: a zip and a bill of materials for each app, the templates,
the bundle of npm packages, SHA256SUMS.

  --npm                    Only what npm installs: stackyard-VERSION.tgz, the SDK, all packages, and their SHA256SUMS
  --app NAME               Only this app, and no npm packages; may be repeated. Default: all under apps/ that have a function
  --out DIR                Default: dist/release, with --npm dist/npm. What is in it goes first
  --sign KEY               File of an armored OpenPGP private key: a detached .asc beside each file
  --passphrase-file FILE   What opens the key, in its first line
`;

const OPTIONS = {
  help: { type: "boolean" },
  npm: { type: "boolean" },
  app: { type: "string", multiple: true },
  out: { type: "string" },
  sign: { type: "string" },
  "passphrase-file": { type: "string" },
} as const;

/** Reads the arguments. */
export function parseArguments(args: readonly string[]): PackageArguments | { readonly refusal: string } | "help" {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help === true) return "help";
    const { npm = false, app = [], sign, "passphrase-file": passphraseFile } = values;
    const { out = npm ? "dist/npm" : "dist/release" } = values;
    if (npm && (app.length > 0 || sign !== undefined)) return { refusal: "--npm excludes --app and --sign." };
    if (passphraseFile !== undefined && sign === undefined) return { refusal: "--passphrase-file needs --sign." };
    return { npm, apps: app, out, sign, passphraseFile };
  } catch (error) {
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
}
