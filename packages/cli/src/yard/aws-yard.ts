import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { AwsAccess } from "@stackyard/aws";
import {
  type AccountNames,
  type AwsYardOptions,
  defined,
  type Executor,
  type Locator,
  type Logger,
  type Records,
  type Store,
  silentLogger,
} from "@stackyard/core";
import { createMemoryStore, createUlids, systemClock } from "@stackyard/core/engine";
import { EngineVariables, readEnvironment, toEngineSettings } from "@stackyard/core/environment";
import type { CalendarFiles } from "@stackyard/core/services";
import type { Finding } from "@stackyard/sdk/commands";
import type { ArtifactsClient } from "@stackyard/server";
import type { CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import { formatInstall } from "../own-packages.ts";
import { VERSION } from "../own-version.ts";
import type { ConfigFile } from "../project/config.ts";
import { loadExecutors } from "../project/executors.ts";
import { importOwn } from "../project/modules.ts";
import { readVariables } from "../variables.ts";
import { findArtifacts } from "./artifacts.ts";
import { findCustomResources } from "./custom-resources.ts";
import { createProcessLogger } from "./process-logger.ts";

/** A yard on AWS, served on this machine for as long as a command runs. */
interface ServedYard {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/** A cold start of a function takes some seconds; waiting for its response is worth it. */
const OUTCOME_MS = 20_000;

/**
 * Opens a yard on AWS and serves its API on a free loopback port, with a random token, so that every command works as
 * on a server; the yard's own state manager decides. Throws `CONFIG_INVALID` and the errors of opening the yard.
 */
export async function serveAwsYard(
  { name, yard }: { readonly name: string; readonly yard: AwsYardOptions },
  file: ConfigFile,
  context: Pick<CommandContext, "env" | "out">,
): Promise<ServedYard> {
  const runtime = await loadYardRuntime(file.projectDir);
  const executors = await loadExecutors(file, "all", context.env);
  const runtimeContext = toYardRuntimeContext(context, executors, file);
  const opened = await runtime.openYard(yard, runtimeContext);
  try {
    const createAws = (region = yard.region) =>
      runtime.createYardAws({ ...yard, ...defined({ region }) }, runtimeContext);
    const artifacts = findArtifacts(file, { env: context.env, createAws });
    const customResources = findCustomResources(file, { env: context.env, createAws });
    return await serve(
      {
        ...opened,
        artifacts,
        customResources,
        executors,
        logger: runtimeContext.logger,
        yardName: name,
        accounts: file.config.accounts,
      },
      context.env,
    );
  } catch (error) {
    await opened.close();
    throw error;
  }
}

interface ServedParts extends OpenedYard {
  readonly executors: ReadonlyMap<string, Executor>;
  readonly artifacts: ArtifactsClient | undefined;
  readonly customResources: ReturnType<typeof findCustomResources>;
  readonly logger: Logger;
  /** As in the configuration. */
  readonly yardName: string;
  readonly accounts: AccountNames | undefined;
}

async function serve(opened: ServedParts, env: CommandContext["env"]): Promise<ServedYard> {
  const { createServer } = await import("@stackyard/server");
  const { store, locator, logs, calendars, caller, executors, artifacts, customResources, logger } = opened;
  const { engine } = toEngineSettings(readEnvironment(EngineVariables, env).values);
  const token = randomBytes(32).toString("base64url");
  const server = createServer(
    {
      store,
      locator,
      executors,
      logs,
      calendars,
      artifacts,
      customResources,
      clock: systemClock,
      ids: createUlids(),
      logger,
      version: VERSION,
      // IAM decides who may write to the yard's records. A login at this server ends with it.
      loginRecords: createMemoryStore().records,
    },
    {
      host: "127.0.0.1",
      port: 0,
      tokens: [{ name: caller, token, kind: "aws" }],
      local: { name: caller },
      apiTokens: false,
      limits: { outcomeMs: OUTCOME_MS },
      allowExternalNext: engine.allowExternalNext,
      engine,
      yardName: opened.yardName,
      ...defined({ accounts: opened.accounts }),
    },
  );
  const { url } = await server.start();
  return {
    url,
    token,
    async close() {
      await server.stop();
      await opened.close();
    },
  };
}

/** Where the yard is opened from. */
interface YardRuntimeContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly executors: readonly Executor[];
  readonly sessionName: string;
  readonly accounts?: AccountNames;
}

/** A yard in an AWS account that was opened. */
interface OpenedYard {
  /** Its `enqueue` sends events to the yard's queue or topic. */
  readonly store: Store;
  readonly locator: Locator;
  /** Whole logs of attempts that are not in its store. */
  readonly logs?: Records | undefined;
  /** The calendars next to its machines. */
  readonly calendars?: CalendarFiles | undefined;
  readonly aws: AwsAccess;
  /** The identity behind these credentials. */
  readonly caller: string;
  close(): Promise<void>;
}

/** The exports of `@stackyard/runtime/yard`. */
interface YardRuntime {
  openYard(yard: AwsYardOptions, context: YardRuntimeContext): Promise<OpenedYard>;
  checkYard(yard: AwsYardOptions, context: YardRuntimeContext): Promise<readonly Finding[]>;
  createYardAws(yard: AwsYardOptions, context: YardRuntimeContext): AwsAccess;
}

const PACKAGE = "@stackyard/runtime";
const CALLS = ["openYard", "checkYard", "createYardAws"] as const;

/**
 * Loads the package for yards on AWS. It imports several SDKs, so the command line loads it only when a command names
 * such a yard. Throws `CONFIG_INVALID` that names the package to install.
 */
export async function loadYardRuntime(projectDir: string): Promise<YardRuntime> {
  const module = await load(projectDir);
  if (isYardRuntime(module)) return module;
  const message = `${PACKAGE} is of another version than stackyard.`;
  throw failWith("CONFIG_INVALID", message, {
    hint: `Install the same version of both: \`${formatInstall(["stackyard", PACKAGE])}\`.`,
  });
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
    throw failWith("CONFIG_INVALID", message, {
      cause: error,
      hint: `Install it with \`${formatInstall([PACKAGE])}\`.`,
    });
  }
}

function isYardRuntime(module: unknown): module is YardRuntime {
  if (typeof module !== "object" || module === null) return false;
  return CALLS.every((name) => typeof Reflect.get(module, name) === "function");
}

/** Returns this machine's context for a yard on AWS. `doctor`, not each command, reports what slows a yard down. */
export function toYardRuntimeContext(
  { env, out }: Pick<CommandContext, "env" | "out">,
  executors: ReadonlyMap<string, Executor>,
  { config: { accounts } }: Pick<ConfigFile, "config">,
): YardRuntimeContext {
  return {
    environment: env,
    logger: readVariables(env).STACKYARD_DEBUG !== undefined ? createProcessLogger({ env, out }) : silentLogger,
    executors: [...executors.values()],
    sessionName: `stackyard-${hostname()}`,
    ...defined({ accounts }),
  };
}
