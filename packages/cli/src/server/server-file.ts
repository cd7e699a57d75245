import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMap, parseJson, type StackyardError } from "@stackyard/core";
import { failWith } from "../failure.ts";
import { findFolderFault, isOwnAddress } from "./own-server.ts";

/** The file that `stackyard dev` writes to the data folder while it runs, so that other commands find the server. */
interface ServerFile {
  readonly url: string;
  readonly pid: number;
  readonly startedAt: string;
}

/** Its name in the data folder. */
export const SERVER_FILE = "server.json";

/** Writes the file atomically. */
export async function writeServerFile(dataDir: string, file: ServerFile): Promise<void> {
  const draft = join(dataDir, `${SERVER_FILE}.${file.pid}`);
  await writeFile(draft, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  await rename(draft, join(dataDir, SERVER_FILE));
}

/** Returns the file; undefined when it is missing or unreadable. */
export async function readServerFile(dataDir: string): Promise<ServerFile | undefined> {
  const text = await readFile(join(dataDir, SERVER_FILE), "utf8").catch(() => "");
  return parse(text);
}

/** Removes the file if this process wrote it. */
export function removeServerFile(dataDir: string, pid: number): void {
  const path = join(dataDir, SERVER_FILE);
  try {
    if (parse(readFileSync(path, "utf8"))?.pid === pid) rmSync(path, { force: true });
  } catch {
    // Already missing.
  }
}

function parse(text: string): ServerFile | undefined {
  const value = parseJson(text);
  if (!isMap(value) || !("startedAt" in value)) return undefined;
  const { url, pid, startedAt } = value;
  return typeof url === "string" && typeof pid === "number" ? { url, pid, startedAt: String(startedAt) } : undefined;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_CHARS = 1_000;

const NOT_HERE = "it is not on this machine";

/**
 * Returns why the server in a project's `server.json` must not get a token, as an `UNREACHABLE` to throw; undefined
 * when it is on this machine, no one else can have written the file, its process is alive and it answered a challenge with an HMAC under the project's token (`GET /v1/proof`). The
 * file outlives a server that was killed, after which any process may use its port.
 */
export async function findIdentityFault(
  { url, pid }: Pick<ServerFile, "url" | "pid">,
  { secret, path }: { readonly secret: string | undefined; readonly path: string },
): Promise<StackyardError | undefined> {
  const stranger = isOwnAddress(url) ? await findFolderFault(dirname(path), [SERVER_FILE, "token"]) : NOT_HERE;
  if (stranger !== undefined) {
    const message = `The server in ${path} may be a stranger's: ${stranger}. No token was sent.`;
    return failWith("UNREACHABLE", message, { hint: "For a server of yours, pass --url and --token." });
  }
  if (!isAlive(pid)) {
    const message = `No server runs for this project: process ${pid} of ${path} has ended.`;
    return failWith("UNREACHABLE", message, { hint: "Start it with `stackyard dev`." });
  }
  try {
    if (secret !== undefined && (await isProven(url, secret))) return undefined;
  } catch (error) {
    return failWith("UNREACHABLE", `The project's server does not answer at ${url}.`, { cause: error });
  }
  const message = `The server at ${url} did not prove that it belongs to this project. No token was sent.`;
  const hint = `Start \`stackyard dev\` again, or remove ${path}. For another server, pass --url and --token.`;
  return failWith("UNREACHABLE", message, { hint });
}

async function isProven(address: string, secret: string): Promise<boolean> {
  const challenge = randomBytes(32).toString("base64url");
  const { port, protocol, href } = new URL("/v1/proof", address);
  const place = port === "" ? (protocol === "https:" ? "443" : "80") : port;
  const expected = createHmac("sha256", secret).update(`stackyard-server\n${place}\n${challenge}`).digest("base64url");
  const given = Buffer.from(findProof(await ask(`${href}?challenge=${challenge}`)) ?? "");
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected));
}

async function ask(url: string): Promise<string> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
  return response.ok ? await readStart(response) : "";
}

/** Reads only the start of a response: any program may answer, even endlessly. */
async function readStart({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER_CHARS) return "";
  }
  return text;
}

function findProof(text: string): string | undefined {
  const value = parseJson(text);
  return isMap(value) && typeof value["proof"] === "string" ? value["proof"] : undefined;
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // Another user's process has this number by now.
    return false;
  }
}
