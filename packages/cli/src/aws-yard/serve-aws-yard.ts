import { randomBytes } from "node:crypto";
import type { Executor } from "@stackyard/core";
import { createUlids, systemClock } from "@stackyard/core/engine";
import type { CommandContext } from "../command.ts";
import type { ConfigFile } from "../project/config-file.ts";
import { loadExecutors } from "../project/load-executors.ts";
import type { AwsYardOptions } from "../project/parse-yards.ts";
import { VERSION } from "../version.ts";
import { loadYardRuntime, type OpenedYard } from "./load-yard-runtime.ts";
import { toYardRuntimeContext } from "./yard-runtime-context.ts";

/** A yard on AWS, served on this machine for as long as a command runs. */
export interface ServedYard {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/** A function that starts anew takes some seconds; then its answer is worth waiting for. */
const OUTCOME_MS = 20_000;

/**
 * Opens a yard on AWS and answers the API over it on a free loopback port, with a token that nobody else knows. So every command
 * works as on a server; the yard's own state manager decides. Throws `CONFIG_INVALID` and what opening the yard throws.
 */
export async function serveAwsYard(
  yard: AwsYardOptions,
  file: ConfigFile,
  context: Pick<CommandContext, "env" | "out">,
): Promise<ServedYard> {
  const runtime = await loadYardRuntime(file.projectDir);
  const executors = await loadExecutors(file, "all", context.env);
  const opened = await runtime.openYard(yard, toYardRuntimeContext(context, executors));
  try {
    return await serve(opened, executors, context);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function serve(
  opened: OpenedYard,
  executors: ReadonlyMap<string, Executor>,
  { env, out }: Pick<CommandContext, "env" | "out">,
): Promise<ServedYard> {
  const { createServer } = await import("@stackyard/server");
  const { store, locator, caller } = opened;
  const { logger } = toYardRuntimeContext({ env, out }, executors);
  const token = randomBytes(32).toString("base64url");
  const server = createServer(
    { store, locator, executors, clock: systemClock, ids: createUlids(), logger, version: VERSION },
    {
      host: "127.0.0.1",
      port: 0,
      tokens: [{ name: caller, token }],
      limits: { outcomeMs: OUTCOME_MS },
      allowExternalNext: env["ALLOW_EXTERNAL_NEXT"] === "true",
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
