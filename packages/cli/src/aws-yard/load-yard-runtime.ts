import type { AwsAccess } from "@stackyard/aws";
import type { Executor, Locator, Logger, Store } from "@stackyard/core";
import type { Finding } from "../doctor/finding.ts";
import { importOwn } from "../project/import-own.ts";
import type { AwsYardOptions } from "../project/parse-yards.ts";
import { failWith } from "../shell/failure.ts";

/** From where a yard is looked at. */
export interface YardRuntimeContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly executors: readonly Executor[];
  readonly sessionName: string;
}

/** A yard in an AWS account that was opened. */
export interface OpenedYard {
  /** Its `enqueue` sends events to the yard's queue or topic. */
  readonly store: Store;
  readonly locator: Locator;
  readonly aws: AwsAccess;
  /** Whose credentials these are. */
  readonly caller: string;
  close(): Promise<void>;
}

/** What `@stackyard/runtime/yard` gives. */
export interface YardRuntime {
  openYard(yard: AwsYardOptions, context: YardRuntimeContext): Promise<OpenedYard>;
  checkYard(yard: AwsYardOptions, context: YardRuntimeContext): Promise<readonly Finding[]>;
  createYardAws(yard: AwsYardOptions, context: YardRuntimeContext): AwsAccess;
}

const PACKAGE = "@stackyard/runtime";
const CALLS = ["openYard", "checkYard", "createYardAws"] as const;

/**
 * Loads what reaches yards on AWS. It brings SDKs of several services, so the command line does without it until a command
 * names such a yard. Throws `CONFIG_INVALID` that says what to install.
 */
export async function loadYardRuntime(projectDir: string): Promise<YardRuntime> {
  const module = await load(projectDir);
  if (isYardRuntime(module)) return module;
  const message = `${PACKAGE} is of another version than stackyard.`;
  throw failWith("CONFIG_INVALID", message, { hint: `Install the same version of both: \`npm install ${PACKAGE}\`.` });
}

async function load(projectDir: string): Promise<unknown> {
  try {
    return await importOwn(`${PACKAGE}/yard`, projectDir);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && /MODULE_NOT_FOUND$/.test(String(error.code));
    const why = error instanceof Error ? error.message : String(error);
    const message = isMissing
      ? `Yards on AWS need the package ${PACKAGE}, which is not installed.`
      : `${PACKAGE} cannot be loaded: ${why}`;
    throw failWith("CONFIG_INVALID", message, { cause: error, hint: `Install it with \`npm install ${PACKAGE}\`.` });
  }
}

function isYardRuntime(module: unknown): module is YardRuntime {
  if (typeof module !== "object" || module === null) return false;
  return CALLS.every((name) => typeof Reflect.get(module, name) === "function");
}
