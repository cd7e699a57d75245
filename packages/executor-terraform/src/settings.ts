import { createHash } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import { defined, type ExecutorContext, StackyardError } from "@stackyard/core";
import { readYardName } from "@stackyard/core/environment";
import {
  BASE_VARIABLES,
  type Environment,
  isCredentialVariable,
  pickEnvironment,
  type TargetAccess,
} from "@stackyard/core/programs";
import { toStackTags } from "@stackyard/core/services";
import type { OpenS3 } from "@stackyard/sources";
import { OPTION_DEFAULTS, type TerraformOptions } from "./definition.ts";
import { type ProgramRunner, runChild } from "./run/child.ts";
import { TerraformFailure } from "./run/failure.ts";
import { isVersionConstraint } from "./source/module-facts.ts";

/** The dependencies of the executor, in addition to the project's options. */
export interface TerraformDeps {
  /** The folder of the project; relative paths in options start there. */
  readonly projectDir: string;
  /** A folder that outlives runs: for providers, and for a state that could not be saved. */
  readonly dataDir: string;
  /** The runner's own environment; only named parts are passed on. */
  readonly environment: Environment;
  /** Opens S3 for a task. Default: the SDK's client for the task's target. */
  readonly s3?: OpenS3;
  /** Time for a stopped run before it is killed, in milliseconds. Default: 240,000, within `cancelWithin`. */
  readonly graceMs?: number;
  /** Runs Terraform. Default: as a process. */
  readonly runProgram?: ProgramRunner;
  /** Calls the state backend of the yard. Default: the global one. */
  readonly fetch?: typeof fetch;
}

/** Options with their defaults, paths absolute. */
export interface Settings {
  /** Names that are looked up in PATH, or absolute paths. */
  readonly binaries: readonly string[];
  readonly version?: string;
  readonly sourcesDir: string;
  readonly workDir: string;
  readonly providerCacheDir: string;
  readonly rescueDir: string;
  /** All folders that the runner itself writes to. */
  readonly ownDirs: readonly string[];
  readonly cliConfigFile?: string;
  /** The hosts of registries whose providers may be started; undefined for all. */
  readonly registries?: readonly string[];
  readonly pricesFile?: string;
  /** True to use Infracost for estimates if it is available. */
  readonly usesInfracost: boolean;
  readonly passEnvironment: readonly string[];
  readonly lockTimeout: string;
  /** True to run sources of untrusted authors. */
  readonly allowsUntrusted: boolean;
  readonly environment: Environment;
  /** The name of the yard, for tags. */
  readonly yard: string;
  readonly s3?: OpenS3;
  readonly graceMs: number;
  readonly runProgram: ProgramRunner;
  readonly fetch: typeof fetch;
}

const GRACE_MS = 240_000;

/** Combines options and defaults. Throws CONFIG_INVALID for values that cannot be used. */
export function toSettings(options: TerraformOptions, deps: TerraformDeps): Settings {
  const { version, cliConfigFile, registries, prices, passEnvironment = [] } = options;
  checkVersion(version);
  checkPassed(passEnvironment);
  const inProject = (path: string) => resolve(deps.projectDir, path);
  const dataDir = resolve(deps.dataDir);
  const workDir = options.workDir === undefined ? findWorkDir() : inProject(options.workDir);
  const { providerCacheDir = join(dataDir, "terraform-providers") } = options;
  return {
    binaries: (options.binaries ?? [options.binary ?? OPTION_DEFAULTS.binary]).map((binary) =>
      toBinary(binary, inProject),
    ),
    sourcesDir: inProject(options.sourcesDir ?? "."),
    workDir,
    providerCacheDir: inProject(providerCacheDir),
    rescueDir: join(dataDir, "terraform-rescued"),
    ownDirs: [dataDir, workDir, inProject(providerCacheDir)],
    passEnvironment,
    lockTimeout: options.lockTimeout ?? OPTION_DEFAULTS.lockTimeout,
    usesInfracost: options.cost === "infracost",
    allowsUntrusted: options.untrusted === "allow",
    environment: deps.environment,
    yard: readYardName(deps.environment),
    graceMs: deps.graceMs ?? GRACE_MS,
    runProgram: deps.runProgram ?? ((call) => runChild(call)),
    fetch: deps.fetch ?? fetch,
    ...defined({
      version,
      registries,
      cliConfigFile: cliConfigFile === undefined ? undefined : inProject(cliConfigFile),
      pricesFile: prices === undefined ? undefined : inProject(prices),
      s3: deps.s3,
    }),
  };
}

/** The same on every runner, whatever its TMPDIR is, because configurations contain paths. */
const COMMON_DIR = "/tmp";

function findWorkDir(): string {
  try {
    accessSync(COMMON_DIR, constants.W_OK);
    return COMMON_DIR;
  } catch {
    return tmpdir();
  }
}

/** Resolves a program: a bare name is looked up in PATH; with a folder, it is a path like the others. */
function toBinary(binary: string, inProject: (path: string) => string): string {
  return binary.includes("/") || binary.includes(sep) ? inProject(binary) : binary;
}

function checkVersion(version: string | undefined): void {
  if (version === undefined || isVersionConstraint(version)) return;
  throw new StackyardError(
    "CONFIG_INVALID",
    `Invalid option "version" of the plugin terraform: ${JSON.stringify(version)}. Use a constraint such as "~> 1.11.0" or ">= 1.6, < 2.0".`,
  );
}

/** The runner's own access to AWS, for tasks without a target. */
const AWS_ACCESS = ["AWS_*"];

/**
 * Requests to an `http` backend are retried after 1, 2, 4, 8, 16 and 30 s, unless the runner's environment overrides
 * it: long enough for a server that is replaced by its next version. Terraform's own default is 2 tries, after which an
 * unsaved state is left in a file (Terraform docs, "Backend Type: http").
 */
const DEFAULTS_ENVIRONMENT: Environment = { TF_HTTP_RETRY_MAX: "6" };
const TUNING = ["TF_HTTP_RETRY_*"];

/**
 * Terraform exports its own traces if OTEL_TRACES_EXPORTER is `otlp` (its telemetry.go: an experiment); newer versions
 * below the span in TRACEPARENT, 1.11 in a separate trace. Headers, which may contain a key, are passed on only by
 * `passEnvironment`.
 */
const TRACING = [
  ...[
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_INSECURE",
  ],
  ...["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_INSECURE"],
];

/** The same for every run: no questions, no update checks, no hints for people at a terminal. */
const FIXED: Environment = { TF_IN_AUTOMATION: "1", TF_INPUT: "0", CHECKPOINT_DISABLE: "1" };

const DEFAULT_TAG = "TF_AWS_DEFAULT_TAGS_";

/**
 * Returns default tags of all resources that the AWS provider 5.62 and later creates (its changelog, 5.62.0). Those of
 * a `provider` block override them.
 */
export function toDefaultTags(yard: string, { stackId, machine }: ExecutorContext): Environment {
  const tags = toStackTags({ yard, stackId, machine });
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [`${DEFAULT_TAG}${name}`, value]));
}

/** Returns a digest of the default tags of an environment. */
export function digestDefaultTags(environment: Readonly<Record<string, string>>): string {
  const tags = Object.entries(environment).filter(([name]) => name.startsWith(DEFAULT_TAG));
  return createHash("sha256").update(JSON.stringify(tags.sort())).digest("hex").slice(0, 16);
}

/** Returns an environment without default tags. */
export function withoutDefaultTags(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith(DEFAULT_TAG)));
}

interface EnvironmentInput {
  /** The runner's own environment; only named parts are passed on. */
  readonly runner: Environment;
  /** More variables to pass on. A star at the end matches any suffix. */
  readonly passEnvironment: readonly string[];
  readonly cliConfigFile?: string;
  readonly access?: TargetAccess;
  /** The trace context of the call that runs it. */
  readonly traceContext?: { readonly traceparent: string; readonly tracestate?: string };
  readonly variables: ReadonlyMap<string, string>;
  /** The variables that backend and provider cache need. */
  readonly settings: Environment;
}

/**
 * Returns the whole environment of a run. With a target the runner's own credentials are left out, so that a task can
 * never work in the runner's account by mistake. Fails with TERRAFORM_VALUE_REFUSED.
 */
export function toEnvironment(input: EnvironmentInput): Record<string, string> {
  const { runner, passEnvironment, access, cliConfigFile, variables, settings, traceContext } = input;
  const names = [...BASE_VARIABLES, ...TUNING, ...TRACING, ...(access ? [] : AWS_ACCESS), ...passEnvironment];
  const environment = new Map<string, string>();
  const add = (values: Environment) => {
    for (const [name, value] of Object.entries(values)) if (value !== undefined) environment.set(name, value);
  };
  add(DEFAULTS_ENVIRONMENT);
  add(pick(runner, names));
  if (access) for (const name of environment.keys()) if (isCredentialVariable(name)) environment.delete(name);
  // An invalid path makes every call print a warning, so it is set only if configured.
  add({ ...FIXED, TF_CLI_CONFIG_FILE: cliConfigFile, ...settings, ...toAccess(access) });
  add({ TRACEPARENT: traceContext?.traceparent, TRACESTATE: traceContext?.tracestate });
  for (const [name, value] of variables) environment.set(`TF_VAR_${name}`, checkValue(name, value));
  return Object.fromEntries(environment);
}

/** Variables that would move the state, or add arguments such as `-target` and `-destroy` to every run. */
const NEVER_PASSED = /^TF_(?:CLI_ARGS(?:_.*)?|DATA_DIR)$/;

function checkPassed(names: readonly string[]): void {
  const refused = names.filter((name) => NEVER_PASSED.test(name));
  if (refused.length === 0) return;
  throw new StackyardError(
    "CONFIG_INVALID",
    `The option "passEnvironment" of the plugin terraform cannot pass ${refused.join(", ")}: it would change where states are, or what a run does.`,
  );
}

function pick(runner: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(
    Object.entries(pickEnvironment(runner, names)).filter(([name]) => !NEVER_PASSED.test(name)),
  );
}

function toAccess(access: EnvironmentInput["access"]): Environment {
  if (access === undefined) return {};
  const { target, credentials } = access;
  return { ...credentials, AWS_REGION: target.region, AWS_DEFAULT_REGION: target.region };
}

/** Linux takes at most 128 KiB in one variable, its name included (execve(2), MAX_ARG_STRLEN). */
const MAX_VALUE_BYTES = 128 * 1024 - 512;

function checkValue(name: string, value: string): string {
  const fault = findFault(value);
  if (fault === undefined) return value;
  throw new TerraformFailure("TERRAFORM_VALUE_REFUSED", `The variable "${name}" ${fault}.`);
}

function findFault(value: string): string | undefined {
  if (value.includes("\0")) return "contains the character U+0000, which cannot be passed to a program";
  const bytes = Buffer.byteLength(value);
  return bytes > MAX_VALUE_BYTES ? `has ${bytes} bytes; a program can be given ${MAX_VALUE_BYTES}` : undefined;
}
