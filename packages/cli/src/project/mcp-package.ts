import type { Writable } from "node:stream";
import type { TokenSource } from "@stackyard/sdk";
import type { ServerDeps } from "@stackyard/server";
import { failWith } from "../failure.ts";
import { formatInstall } from "../own-packages.ts";
import { formatImportError, importOwn } from "./modules.ts";

/** Where the tools of an assistant call the API of a yard. */
interface McpYard {
  readonly url: string;
  readonly token?: string | TokenSource;
  close(): Promise<void>;
}

/** The exports of `@stackyard/mcp` that the command line uses. */
interface McpPackage {
  createMcpDoor(options: { readonly version: string; readonly allowWrites: boolean }): NonNullable<ServerDeps["mcp"]>;
  serveStdio(options: {
    readonly version: string;
    readonly allowWrites: boolean;
    readonly input: AsyncIterable<Uint8Array | string>;
    readonly output: Writable;
    readonly openYard: () => Promise<McpYard>;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

const PACKAGE = "@stackyard/mcp";
const CALLS = ["createMcpDoor", "serveStdio"] as const;

/**
 * Loads the package for assistants, which few projects have: the SDK of the protocol and its dependencies are 98 packages. Throws
 * `CONFIG_INVALID` that names the package to install.
 */
export async function loadMcpPackage(projectDir: string): Promise<McpPackage> {
  const module = await load(projectDir);
  if (isMcpPackage(module)) return module;
  throw failWith("CONFIG_INVALID", `${PACKAGE} is of another version than stackyard.`, {
    hint: `Install the same version of both: \`${formatInstall(["stackyard", PACKAGE])}\`.`,
  });
}

async function load(projectDir: string): Promise<unknown> {
  try {
    return await importOwn(PACKAGE, projectDir);
  } catch (error) {
    const why = await formatImportError(error, PACKAGE, projectDir);
    throw failWith("CONFIG_INVALID", `Assistants need the package ${PACKAGE}: ${why}`, { cause: error });
  }
}

function isMcpPackage(module: unknown): module is McpPackage {
  if (typeof module !== "object" || module === null) return false;
  return CALLS.every((name) => typeof Reflect.get(module, name) === "function");
}
