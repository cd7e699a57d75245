import { parseArgs } from "node:util";

/** What shall be built. */
export interface PackageArguments {
  /** Empty: all. */
  readonly apps: readonly string[];
  readonly out: string;
  /** File of an armored private key. */
  readonly sign: string | undefined;
  /** File whose first line opens the key. */
  readonly passphraseFile: string | undefined;
}

export const HELP = `Builds what a release is made of: a zip and a bill of materials for each app, the templates, SHA256SUMS.

  --app NAME               Only this app; may be repeated. Default: all under apps/ that have a function
  --out DIR                Default: dist/release. What is in it goes first
  --sign KEY               File of an armored OpenPGP private key: a detached .asc beside each file
  --passphrase-file FILE   What opens the key, in its first line
`;

const OPTIONS = {
  help: { type: "boolean" },
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
    const { app = [], out = "dist/release", sign, "passphrase-file": passphraseFile } = values;
    if (passphraseFile !== undefined && sign === undefined) return { refusal: "--passphrase-file needs --sign." };
    return { apps: app, out, sign, passphraseFile };
  } catch (error) {
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
}
