import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { basename, isAbsolute } from "node:path";
import { promisify } from "node:util";
import { type Environment, findInPath, findShortage, pickEnvironment } from "@stackyard/core/programs";
import type { Settings } from "../settings.ts";
import { allowsVersion, isVersionConstraint } from "../source/module-facts.ts";
import { TerraformFailure } from "./failure.ts";

/** The program of a run. */
export interface Program {
  /** Absolute. */
  readonly path: string;
  /** `terraform` or `opentofu`; empty when the program reports neither. */
  readonly product: string;
  /** Empty when the program does not report it. */
  readonly version: string;
}

/** A task's choice of its program. */
interface ProgramChoice {
  /** One of the programs of the settings. Default: any. */
  readonly binary?: string;
  /** A constraint, besides that of the settings. */
  readonly version?: string;
}

/**
 * Returns the first program of the settings that the task allows. Fails with TERRAFORM_NOT_FOUND,
 * TERRAFORM_VERSION_MISMATCH.
 */
export async function findProgram(
  { binaries, version, environment }: Pick<Settings, "binaries" | "environment" | "version">,
  choice: ProgramChoice,
): Promise<Program> {
  const constraints = [version, checkConstraint(choice.version)].filter((constraint) => constraint !== undefined);
  const found: Program[] = [];
  for (const binary of chooseBinaries(binaries, choice.binary)) {
    const path = await findInPath(binary, environment["PATH"] ?? "");
    if (path === undefined) continue;
    const program = { path, ...(await loadFacts(path, environment)) };
    const isAllowed = constraints.every((constraint) => allowsVersion(constraint, program.version));
    if (isAllowed && !isTooOld(program)) return program;
    found.push(program);
  }
  if (found.length === 0) throw new TerraformFailure("TERRAFORM_NOT_FOUND", toMissingText(binaries));
  const allowed = found.some(isTooOld) ? [`>= ${OLDEST}`, ...constraints] : constraints;
  throw new TerraformFailure("TERRAFORM_VERSION_MISMATCH", toMismatchText(found, allowed));
}

/** The first version whose plans and applies are streams of JSON (Terraform's changelog, 0.15.3, and its promises for 1.x). */
const OLDEST = "1.0";

/** Returns true for a program that says that it is older; it would fail in a way that leads away from its version. */
export function isTooOld({ version }: Pick<Program, "version">): boolean {
  return version !== "" && Number.parseInt(version, 10) < Number.parseInt(OLDEST, 10);
}

function checkConstraint(constraint: string | undefined): string | undefined {
  if (constraint === undefined || isVersionConstraint(constraint)) return constraint;
  const text = `Invalid version ${JSON.stringify(constraint)} of the task. Use a constraint such as "~> 1.11.0".`;
  throw new TerraformFailure("TERRAFORM_VERSION_MISMATCH", text);
}

/**
 * Returns the programs for a task, which can name only those in the project's options: any other path could run any
 * program on the runner.
 */
function chooseBinaries(binaries: readonly string[], wanted: string | undefined): readonly string[] {
  if (wanted === undefined) return binaries;
  const chosen = binaries.filter((binary) => binary === wanted || basename(binary) === wanted);
  if (chosen.length > 0) return chosen;
  const text = `The program "${wanted}" is not in the option "binaries": ${binaries.join(", ")}.`;
  throw new TerraformFailure("TERRAFORM_NOT_FOUND", text);
}

function toMissingText(binaries: readonly string[]): string {
  const names = binaries.map((binary) => `"${binary}"`).join(", ");
  const where = binaries.every((binary) => isAbsolute(binary)) ? "" : " in any folder of PATH";
  return `Program ${names} not found${where}. Install it on the runner, or set the option "binaries".`;
}

function toMismatchText(found: readonly Program[], constraints: readonly string[]): string {
  const facts = found.map(({ path, version }) =>
    version === "" ? `"${path}" does not report its version` : `"${path}" is version ${version}`,
  );
  return `${facts.join(", ")}; allowed is ${constraints.join(" and ")}. Install a version that fits, or change "version".`;
}

type ProgramFacts = Pick<Program, "product" | "version">;

/** By path and file: asking costs a process, and the answer changes only with the file. */
const known = new Map<string, Promise<ProgramFacts>>();

async function loadFacts(path: string, environment: Environment): Promise<ProgramFacts> {
  const { size, mtimeMs } = await stat(path);
  const key = `${path}\0${size}\0${mtimeMs}`;
  const asked = known.get(key) ?? askProgram(path, environment);
  known.set(key, asked);
  asked.catch(() => known.delete(key));
  const facts = await asked;
  if (facts.version === "") known.delete(key);
  return facts;
}

const run = promisify(execFile);
const VERSION_TIMEOUT_MS = 30_000;

async function askProgram(path: string, environment: Environment): Promise<ProgramFacts> {
  const env = { ...pickEnvironment(environment, ["PATH", "HOME"]), CHECKPOINT_DISABLE: "1" };
  const options = { env, timeout: VERSION_TIMEOUT_MS };
  const { stdout } = await run(path, ["version"], options).catch((error: unknown) => {
    if (findShortage(error) !== undefined) throw error;
    return { stdout: "" };
  });
  return parseVersionText(stdout);
}

/** Parses the output of `version`: only the text names the product, `version -json` is the same for both. */
export function parseVersionText(text: string): ProgramFacts {
  const [, product = "", version = ""] = /^(Terraform|OpenTofu) v(\d\S*)/m.exec(text) ?? [];
  return { product: product.toLowerCase(), version };
}
