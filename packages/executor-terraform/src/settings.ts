import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import { type ExecutorContext, StackyardError } from "@stackyard/core";
import type { Environment } from "./environment.ts";
import type { TerraformOptions } from "./options.ts";
import type { S3Source } from "./s3-source.ts";
import { loadSdkS3Source } from "./sdk-s3-source.ts";
import { isVersionConstraint } from "./version-constraint.ts";

/** What the executor is given besides the project's options. */
export interface TerraformDeps {
  /** The folder of the project; relative paths in options start there. */
  readonly projectDir: string;
  /** A folder that outlives runs: for providers, and for a state that could not be saved. */
  readonly dataDir: string;
  /** The runner's own environment, of which named parts are handed on. */
  readonly environment: Environment;
  /** How S3 is read for a task. Default: the SDK's client for the task's target. */
  readonly s3?: (ctx: ExecutorContext) => S3Source | Promise<S3Source>;
  /** How long a stopped run may take before it is killed, in milliseconds. Default: 240,000, within `cancelWithin`. */
  readonly graceMs?: number;
}

/** Options and what is there without them, paths absolute. */
export interface Settings {
  readonly binary: string;
  readonly version?: string;
  readonly sourcesDir: string;
  readonly workDir: string;
  readonly providerCacheDir: string;
  readonly rescueDir: string;
  /** All folders that the runner itself writes to. */
  readonly ownDirs: readonly string[];
  readonly cliConfigFile?: string;
  readonly passEnvironment: readonly string[];
  readonly lockTimeout: string;
  readonly environment: Environment;
  readonly s3: (ctx: ExecutorContext) => S3Source | Promise<S3Source>;
  readonly graceMs: number;
}

const DEFAULTS = { binary: "terraform", lockTimeout: "30s", graceMs: 240_000 };

/** Puts options and defaults together. Throws CONFIG_INVALID for a version constraint that cannot be read. */
export function toSettings(options: TerraformOptions, deps: TerraformDeps): Settings {
  const { version, cliConfigFile, passEnvironment = [], lockTimeout = DEFAULTS.lockTimeout } = options;
  checkVersion(version);
  const inProject = (path: string) => resolve(deps.projectDir, path);
  const dataDir = resolve(deps.dataDir);
  const workDir = options.workDir === undefined ? tmpdir() : inProject(options.workDir);
  const { providerCacheDir = join(dataDir, "terraform-providers") } = options;
  return {
    binary: toBinary(options.binary ?? DEFAULTS.binary, inProject),
    sourcesDir: inProject(options.sourcesDir ?? "."),
    workDir,
    providerCacheDir: inProject(providerCacheDir),
    rescueDir: join(dataDir, "terraform-rescued"),
    ownDirs: [dataDir, workDir, inProject(providerCacheDir)],
    passEnvironment,
    lockTimeout,
    environment: deps.environment,
    s3: deps.s3 ?? loadSdkS3Source,
    graceMs: deps.graceMs ?? DEFAULTS.graceMs,
    ...(version === undefined ? {} : { version }),
    ...(cliConfigFile === undefined ? {} : { cliConfigFile: inProject(cliConfigFile) }),
  };
}

/** A bare name is looked up in PATH; with a folder in it, it is a path like the others. */
function toBinary(binary: string, inProject: (path: string) => string): string {
  return binary.includes("/") || binary.includes(sep) ? inProject(binary) : binary;
}

function checkVersion(version: string | undefined): void {
  if (version === undefined || isVersionConstraint(version)) return;
  throw new StackyardError(
    "CONFIG_INVALID",
    `The option "version" of the plugin terraform is ${JSON.stringify(version)}; write it as in "~> 1.11.0" or ">= 1.6, < 2.0".`,
  );
}
