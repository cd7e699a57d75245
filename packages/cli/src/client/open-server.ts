import { serveAwsYard } from "../aws-yard/serve-aws-yard.ts";
import type { CommandContext } from "../command.ts";
import { loadConfigFile } from "../project/config-file.ts";
import { findYard } from "../project/find-yard.ts";
import { isAwsYard } from "../project/parse-yards.ts";
import { failWith } from "../shell/failure.ts";
import { type FoundServer, findServer, parseUrl } from "./find-server.ts";

/** Where a yard's server is, and how to be done with it. */
export interface OpenServer extends FoundServer {
  /** Ends what was started for the command. */
  close(): Promise<void>;
}

/** What flags say of a server. */
export interface GivenServer {
  readonly url?: string;
  readonly token?: string;
  readonly yard?: string;
  readonly project?: string;
}

/**
 * The server that a command talks to. Of a yard on AWS there is none: then one is started in this process, until `close`.
 * Throws what `findServer` throws, and `CONFIG_INVALID` and the errors of AWS for yards.
 */
export async function openServer(
  context: Pick<CommandContext, "cwd" | "env" | "out">,
  given: GivenServer,
): Promise<OpenServer> {
  const name = findYardName(given, context.env);
  if (name === undefined) return { ...(await findServer(context, given)), close: async () => {} };
  const file = await loadConfigFile(context.cwd, given.project);
  const yard = findYard(file, name);
  if (isAwsYard(yard)) return serveAwsYard(yard, file, context);
  const token = given.token ?? yard.token ?? (context.env["STACKYARD_TOKEN"] || undefined);
  return { url: parseUrl(yard.url), ...(token === undefined ? {} : { token }), close: async () => {} };
}

/** The yard that flags or environment name; an address comes before it. Throws `USAGE` for flags of both kinds. */
export function findYardName(given: GivenServer, env: CommandContext["env"]): string | undefined {
  if (given.yard !== undefined && given.url !== undefined) {
    throw failWith("USAGE", "--url and --yard name two servers.", { hint: "Give one of them." });
  }
  if (given.yard !== undefined) return given.yard;
  const hasUrl = given.url !== undefined || (env["STACKYARD_URL"] ?? "") !== "";
  return hasUrl ? undefined : env["STACKYARD_YARD"] || undefined;
}
