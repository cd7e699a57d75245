import { randomBytes } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { Octokit } from "@octokit/core";
import {
  defineCommand,
  defined,
  isMap,
  optionalFlag,
  optionalText,
  type PluginCommandContext,
  StackyardError,
  trimEndOf,
} from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { toApiUrl } from "../github/api-url.ts";
import { REQUEST_MS } from "../github/open-repository.ts";
import { hasStatus } from "../github/request-outcome.ts";
import { toAppManifest } from "./app-manifest.ts";
import { serveRegistration } from "./serve-registration.ts";

const GITHUB = "https://github.com";
const ADDRESS = "^https?://[^\\s?#@]{1,2000}$";
const YARD = "an address such as https://yard.example.org";
const ENTERPRISE = "an address such as https://github.example.org";

/** The used part of the answer of `POST /app-manifests/{code}/conversions`. */
const Registered = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  html_url: Type.String({ maxLength: 2_000 }),
  pem: Type.String({ pattern: "^-----BEGIN ", maxLength: 16_384 }),
  webhook_secret: Type.String({ minLength: 1, maxLength: 1_024 }),
});
type Registered = Static<typeof Registered>;

/** `stackyard hosts setup github`: registers a GitHub App for the yard. */
export const setupGitHub = defineCommand({
  name: "hosts setup github",
  summary: "Register a GitHub App for the yard, and write its key and webhook secret to files.",
  description: [
    "Serves a page on this machine. Its button sends the App's permissions, events and webhook to GitHub, where you confirm them.",
    "Writes NAME-app.pem and NAME-webhook-secret for you alone (mode 600); existing files are never replaced.",
    "Prints what to add to stackyard.config.ts, and where to install the App.",
  ].join("\n"),
  examples: {
    "stackyard hosts setup github --url https://yard.example.org": "Register an App of your own.",
    "stackyard hosts setup github --url https://yard.example.org --organization acme":
      "Register an App of the organization acme.",
  },
  args: Type.Object({
    url: optionalText("The public address of the yard. The webhook is URL/hooks/NAME.", {
      pattern: ADDRESS,
      expected: YARD,
    }),
    name: optionalText("The host's name in the configuration. Default: github.", {
      pattern: "^[a-z][a-z0-9-]{0,31}$",
      expected: "lower-case letters, digits and dashes that begin with a letter, at most 32",
      default: "github",
    }),
    organization: optionalText("The organization that owns the App. Default: you.", {
      pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$",
      expected: "the organization's name in addresses, such as acme",
    }),
    github: optionalText(`Of GitHub Enterprise. Default: ${GITHUB}.`, {
      pattern: ADDRESS,
      expected: ENTERPRISE,
      default: GITHUB,
    }),
    folder: optionalText("Where key and secret are written. Default: the project's folder.", { minLength: 1 }),
    print: optionalFlag("Print the manifest, and do nothing else."),
  }),
  async run(context: PluginCommandContext, given) {
    const { name = "github", print = false, organization } = given;
    const github = toAddress("github", given.github ?? GITHUB, ENTERPRISE);
    const manifest = toAppManifest({ name, url: toAddress("url", given.url, YARD) });
    if (print) {
      context.out.result(manifest, () => JSON.stringify(manifest, undefined, 2));
      return 0;
    }
    const owner = organization === undefined ? "" : `/organizations/${organization}`;
    const folder = given.folder === undefined ? context.projectDir : resolve(context.cwd, given.folder);
    const files = await reserve([join(folder, `${name}-app.pem`), join(folder, `${name}-webhook-secret`)]);
    try {
      const app = await serveRegistration({
        manifest,
        newAppUrl: `${github}${owner}/settings/apps/new`,
        state: randomBytes(32).toString("base64url"),
        signal: context.signal,
        onListening: (page) =>
          context.out.progress({ page }, () => `Open ${page} in your browser. Waiting for GitHub…`),
        onRetry: () => context.out.note("GitHub did not answer. Reload the page to try again."),
        exchange: async (code) => {
          const registered = await convert(github, code);
          await files.fill([registered.pem, registered.webhook_secret]);
          return registered;
        },
      });
      report(context, { app, name, github, paths: files.paths });
      return 0;
    } finally {
      await files.close();
    }
  },
});

function toAddress(flag: string, text: string | undefined, expected: string): string {
  if (text !== undefined && URL.canParse(text)) return trimEndOf(text, "/");
  throw new StackyardError("USAGE", `--${flag} must be ${expected}.`);
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EEXIST: "exists. Move it away, or choose another --name or --folder.",
  ENOENT: "cannot be written: its folder does not exist. Create it, or choose another --folder.",
};

/** Creates the files before the App exists: its key is shown once, and must not be lost to a read-only folder. */
async function reserve(paths: readonly string[]) {
  const handles: FileHandle[] = [];
  let isFilled = false;
  const close = async () => {
    await Promise.all(handles.map((handle) => handle.close()));
    if (!isFilled) await Promise.all(paths.slice(0, handles.length).map((path) => rm(path, { force: true })));
  };
  for (const path of paths) {
    try {
      handles.push(await open(path, "wx", 0o600));
    } catch (cause) {
      await close();
      const code = isMap(cause) ? cause["code"] : undefined;
      const why = WHY_NOT[String(code)] ?? `cannot be written${code === undefined ? "" : ` (${code})`}.`;
      throw new StackyardError("USAGE", `"${path}" ${why}`, { cause });
    }
  }
  return {
    paths,
    close,
    async fill(texts: readonly string[]): Promise<void> {
      await Promise.all(handles.map((handle, index) => handle.writeFile(texts[index] ?? "")));
      isFilled = true;
    },
  };
}

async function convert(github: string, code: string): Promise<Registered> {
  const octokit = new Octokit(defined({ baseUrl: github === GITHUB ? undefined : toApiUrl(github) }));
  const request = { signal: AbortSignal.timeout(REQUEST_MS), redirect: "error" as const };
  let data: unknown;
  try {
    ({ data } = await octokit.request("POST /app-manifests/{code}/conversions", { code, request }));
  } catch (cause) {
    if (!hasStatus(cause, 404)) throw cause;
    const message = `GitHub does not know the code: it is valid once, for an hour. Delete the App in ${github}, and start again.`;
    throw new StackyardError("SERVER_ERROR", message, { cause });
  }
  if (Check(Registered, data) && URL.parse(data.html_url)?.origin === new URL(github).origin) return data;
  throw new StackyardError("SERVER_ERROR", "GitHub did not return the App's key and webhook secret.");
}

interface ReportInput {
  readonly app: Registered;
  readonly name: string;
  readonly github: string;
  readonly paths: readonly string[];
}

/** Prints no secret. */
function report({ out, projectDir }: PluginCommandContext, { app, name, github, paths }: ReportInput): void {
  // The configuration's paths start in the project's folder.
  const [key = "", secret = ""] = paths.map((path) => relative(projectDir, path));
  const url = new URL(app.html_url).href;
  const install = `${url}/installations/new`;
  const host = {
    type: "github",
    appId: app.id,
    key: { file: key },
    secrets: [{ file: secret }],
    url: github === GITHUB ? undefined : github,
  };
  out.result({ appId: app.id, url, install, files: { key, secret }, hosts: { [name]: host } }, () =>
    [
      `The App is registered: ${url}`,
      `Its key is in ${key}, the secret of its webhook in ${secret}. Keep both out of version control.`,
      "",
      "Add the host to the options of @stackyard/hosts in stackyard.config.ts, below hosts:",
      "",
      `  ${JSON.stringify(name)}: ${JSON.stringify(host)},`,
      "",
      `Then install the App in your repositories: ${install}`,
    ].join("\n"),
  );
}
