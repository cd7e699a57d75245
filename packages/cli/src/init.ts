import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineCommand, optionalFlag, optionalText, toShellWord } from "@stackyard/core";
import { Type } from "typebox";
import type { CommandContext } from "./command.ts";
import { failWith } from "./failure.ts";
import { formatCall, withInstallCheck } from "./installed-call.ts";
import { makeFolder } from "./make-folder.ts";
import { OWN_FOLDER } from "./own-folder.ts";
import { findOwnSource, formatInstall, isInstalled, toOwnDependencies } from "./own-packages.ts";
import { CONFIG_NAMES } from "./project/find-config.ts";
import { readPackageType } from "./project/modules.ts";

/** Files that a folder may well have already; they are left as they are. */
const KEPT: ReadonlySet<string> = new Set(["package.json", "README.md", ".gitignore"]);

/** Next to `src` and `dist`; a project's packages in addition to those of every project, and its first event. */
const TEMPLATES = {
  "review-app": {
    summary: "An environment for each pull request: two Terraform modules and a function.",
    folder: "template",
    packages: [],
    dev: "stackyard dev",
    send: "stackyard send pr-12 OPENED --machine review-app --until LIVE",
  },
  minimal: {
    summary: "One machine and one Terraform module.",
    folder: "template-minimal",
    packages: [],
    dev: "stackyard dev",
    send: "stackyard send one OPENED --machine environment --until LIVE",
  },
  staging: {
    summary:
      "A staging environment for each team: modules that share outputs, a secret, a quota, approvals of versions.",
    folder: "template-staging",
    packages: ["@stackyard/previews"],
    // Members of this group approve.
    dev: "stackyard dev --groups release-managers",
    send: "stackyard send staging-web OPENED --machine staging --metadata app_version=1.0 --until LIVE",
  },
  sandbox: {
    summary: "A sandbox for each customer, approved before it is built: as staging, with an end and a protected state.",
    folder: "template-sandbox",
    packages: ["@stackyard/previews"],
    dev: "stackyard dev --groups sales",
    send: "stackyard send acme ORDERED --machine sandbox --metadata customer=acme --until ORDER",
  },
  previews: {
    summary: "Previews of pull requests of GitHub: plans, policies, costs, approvals, a quota, sleep.",
    folder: "template-previews",
    packages: ["@stackyard/hosts", "@stackyard/previews"],
    dev: "stackyard dev --groups reviewers",
    send: "stackyard send shop-pr-1 OPENED --machine preview --metadata sha=9f1c --until LIVE",
  },
  promotion: {
    summary: "Releases that move through staging and production: turns, a plan, one approval, and an undo.",
    folder: "template-promotion",
    packages: [],
    dev: "stackyard dev --groups release-managers",
    send: "stackyard send shop-1.0.0 RELEASED --machine shop-release --metadata api=1.0.0 --until REVIEW",
  },
} as const;
type TemplateName = keyof typeof TEMPLATES;

/** The packages of every project: the command line, and the SDK for programs that send events. */
const PACKAGES = ["stackyard", "@stackyard/sdk"] as const;
const NAMES = [
  "review-app",
  "minimal",
  "staging",
  "sandbox",
  "previews",
  "promotion",
] as const satisfies readonly TemplateName[];

/** `stackyard init` */
export const init = defineCommand({
  name: "init",
  summary: "Create a working project: a machine, Terraform modules and a configuration.",
  description:
    "Existing files are overwritten only with --force. Existing package.json, README.md and .gitignore files are always kept.",
  examples: {
    "stackyard init review-app": "Create the project in a new folder.",
    "stackyard init": "Create the project in the current folder.",
    "stackyard init sandboxes --template sandbox": "Create another kind of project.",
    "stackyard init --list": "List the templates.",
  },
  args: Type.Object({
    dir: optionalText("The folder. Default: the current folder.", { minLength: 1 }),
    force: optionalFlag("Overwrite existing files."),
    template: Type.Optional(Type.Enum([...NAMES], { description: "The kind of project. Default: review-app." })),
    list: optionalFlag("List the templates, and write nothing."),
  }),
  positionals: ["dir"],
  async run(context: CommandContext, { list = false, ...args }) {
    if (list) printTemplates(context);
    else await writeProject(context, args);
  },
});

interface NewProject {
  readonly dir?: string;
  readonly force?: boolean;
  readonly template?: TemplateName;
}

async function writeProject(
  context: CommandContext,
  { dir = ".", force = false, template: name = "review-app" }: NewProject,
): Promise<void> {
  const folder = resolve(context.cwd, dir);
  const template = await loadTemplate(name, folder);
  const files = force ? template : toFilesFor(folder, template);
  const present = force ? [] : files.filter(({ path }) => existsSync(join(folder, path)));
  const clashes = force ? [] : findClashes(folder, present);
  if (clashes.length > 0) {
    const list = clashes.map((path) => `\n  ${path}`).join("");
    throw failWith("OUTCOME_NEGATIVE", `These files already exist in ${folder}:${list}`, {
      hint: "Nothing was written. Choose another folder, or overwrite them with --force.",
    });
  }
  const written = files.filter((file) => !present.includes(file));
  await writeAll(folder, written);
  printDone(context, { folder, written, kept: present, name });
}

// In an existing package that does not use ES modules, a configuration that ends with `.ts` would not load.
function toFilesFor(folder: string, files: readonly TemplateFile[]): readonly TemplateFile[] {
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest) || readPackageType(manifest) === "module") return files;
  const rename = (text: string) => text.replaceAll("stackyard.config.ts", "stackyard.config.mts");
  return files.map(({ path, text }) => ({ path: rename(path), text: rename(text) }));
}

function findClashes(folder: string, present: readonly TemplateFile[]): readonly string[] {
  const configs = CONFIG_NAMES.filter((name) => existsSync(join(folder, name)));
  return [...new Set([...configs, ...present.map(({ path }) => path).filter((path) => !KEPT.has(path))])];
}

/** Writes the files, or leaves none of those that were not there: what is half made would refuse the next try. */
async function writeAll(folder: string, files: readonly TemplateFile[]): Promise<void> {
  const made: string[] = [];
  try {
    for (const { path, text } of files) {
      const target = join(folder, path);
      if (!existsSync(target)) made.push(target);
      await write(target, text);
    }
  } catch (error) {
    await Promise.allSettled(made.map((target) => rm(target, { force: true })));
    throw error;
  }
}

async function write(path: string, text: string): Promise<void> {
  await makeFolder(dirname(path));
  await writeFile(path, text);
}

function printTemplates({ out }: CommandContext): void {
  const width = Math.max(...NAMES.map((name) => name.length));
  for (const name of NAMES) {
    const { summary, packages } = TEMPLATES[name];
    out.result({ name, summary, packages }, () => `${out.paint("bold", name.padEnd(width))}  ${summary}`);
  }
}

interface Done {
  readonly folder: string;
  readonly written: readonly TemplateFile[];
  readonly kept: readonly TemplateFile[];
  readonly name: TemplateName;
}

function printDone({ cwd, out }: CommandContext, { folder, written, kept, name }: Done): void {
  const { packages, dev, send } = TEMPLATES[name];
  const facts = { folder, written: written.map(({ path }) => path), kept: kept.map(({ path }) => path) };
  out.result(facts, () => {
    const into = relative(cwd, folder);
    const names = [...PACKAGES, ...packages];
    const isListed = !facts.kept.includes("package.json") && Object.keys(toOwnDependencies(names, folder)).length > 0;
    const install = isListed ? "npm install" : formatInstall(names);
    return [
      ...facts.written.map((path) => `${out.paint("green", "wrote")} ${join(into, path)}`),
      ...facts.kept.map((path) => `${out.paint("dim", "kept ")} ${join(into, path)}`),
      "",
      "Next:",
      ...(into === "" ? [] : [`  cd ${toShellWord(into)}`]),
      ...(isInstalled(names, folder) ? [] : [`  ${install}`]),
      // What the project's own script says when nothing is installed is ours.
      `  ${facts.kept.includes("package.json") ? formatCall(dev) : "npm run dev"}`,
      "and in another terminal:",
      `  ${formatCall(send)}`,
    ].join("\n");
  });
}

/** A file of a new project. */
interface TemplateFile {
  /** Relative to the project's folder, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Ending in the template of files that tools of this repository, or npm, would otherwise treat as their own. */
const ENDING = ".template";

/** Returns the files of a new project in `folder`, sorted by path. */
export async function loadTemplate(name: TemplateName, folder: string): Promise<readonly TemplateFile[]> {
  const root = fileURLToPath(new URL(`${TEMPLATES[name].folder}/`, OWN_FOLDER));
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
  return Promise.all(
    paths.map(async (path) => {
      const text = await readFile(path, "utf8");
      const target = toTarget(path.slice(root.length));
      return { path: target, text: target === "package.json" ? withDependencies(text, name, folder) : text };
    }),
  );
}

// Not `devDependencies`: a container image omits them.
function withDependencies(text: string, name: TemplateName, folder: string): string {
  const names = [...PACKAGES, ...TEMPLATES[name].packages];
  const dependencies = toOwnDependencies(names, folder);
  const sorted = Object.fromEntries(Object.entries(dependencies).sort(([a], [b]) => (a < b ? -1 : 1)));
  const manifest = JSON.parse(text);
  const scripts = withInstallCheck(manifest.scripts, names, findOwnSource());
  return `${JSON.stringify({ ...manifest, scripts, dependencies: sorted }, undefined, 2)}\n`;
}

function toTarget(path: string): string {
  const name = path.replaceAll("\\", "/").replace(/^\/+/, "");
  const plain = name.endsWith(ENDING) ? name.slice(0, -ENDING.length) : name;
  // npm leaves files of this name out of packages.
  return plain === "gitignore" ? ".gitignore" : plain;
}
