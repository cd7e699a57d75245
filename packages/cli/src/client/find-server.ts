import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Type } from "typebox";
import { loadConfigFile } from "../project/config-file.ts";
import { dataDirOf } from "../project/load-executors.ts";
import { failWith } from "../shell/failure.ts";
import { readServerFile, SERVER_FILE } from "./server-file.ts";
import { findIdentityFault } from "./server-identity.ts";

/** Arguments of every command that talks to a server. */
export const serverArgs = {
  url: Type.Optional(
    Type.String({
      minLength: 1,
      description: "Address of the server. Default: STACKYARD_URL, else that of `stackyard dev`.",
    }),
  ),
  token: Type.Optional(
    Type.String({ minLength: 1, description: "Token. Default: STACKYARD_TOKEN, else the project's token file." }),
  ),
  yard: Type.Optional(
    Type.String({
      minLength: 1,
      placeholder: "name",
      completes: "yard",
      description: "A yard of the configuration instead of an address. Default: STACKYARD_YARD.",
    }),
  ),
  project: Type.Optional(
    Type.String({
      placeholder: "dir",
      description: "The project's folder. Default: the nearest with a configuration.",
    }),
  ),
};

/** Where a yard's server is and how to get in. */
export interface FoundServer {
  readonly url: string;
  readonly token?: string;
}

/**
 * The server that a command talks to: by flags, by environment, else the one that runs for the project. The latter
 * proves itself before a token is sent to it. Throws `UNREACHABLE` when none is named and none runs, and
 * `CONFIG_INVALID` for an invalid address.
 */
export async function findServer(
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
  given: { readonly url?: string; readonly token?: string; readonly project?: string },
): Promise<FoundServer> {
  const url = given.url ?? (env["STACKYARD_URL"] || undefined);
  const token = given.token ?? (env["STACKYARD_TOKEN"] || undefined);
  if (url !== undefined && token !== undefined) return { url: parseUrl(url), token };
  const dataDir = dataDirOf(await loadConfigFile(cwd, given.project));
  if (url !== undefined) return withToken(parseUrl(url), token ?? (await findOwnToken(dataDir, parseUrl(url))));
  const path = join(dataDir, SERVER_FILE);
  const running = await readServerFile(dataDir);
  if (running === undefined) {
    throw failWith("UNREACHABLE", `No server runs for this project (there is no ${path}).`);
  }
  const address = parseUrl(running.url);
  const own = await findToken(dataDir);
  const fault = await findIdentityFault({ url: address, pid: running.pid }, { secret: own, path });
  if (fault !== undefined) throw fault;
  return withToken(address, token ?? own);
}

/** The project's token is a secret: it goes to the project's own server, never to another address or another server. */
async function findOwnToken(dataDir: string, address: string): Promise<string | undefined> {
  const running = await readServerFile(dataDir);
  if (running?.url !== address) return undefined;
  const own = await findToken(dataDir);
  const fault = await findIdentityFault(running, { secret: own, path: join(dataDir, SERVER_FILE) });
  return fault === undefined ? own : undefined;
}

function withToken(url: string, token: string | undefined): FoundServer {
  return token === undefined ? { url } : { url, token };
}

/** An address of a server without a slash at its end. Throws `CONFIG_INVALID`. */
export function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw failWith("CONFIG_INVALID", `"${text}" is no address of a server.`, {
      hint: "Write one such as http://127.0.0.1:7070.",
    });
  }
  return url.href.replace(/\/$/, "");
}

async function findToken(dataDir: string): Promise<string | undefined> {
  try {
    return (await readFile(join(dataDir, "token"), "utf8")).trim() || undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
