import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { isMap, parseJson } from "@stackyard/core";
import { failWith } from "../failure.ts";

/** A login of this machine at one server. */
export interface StoredLogin {
  readonly token: string;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the path of the stored logins: `$XDG_CONFIG_HOME/stackyard/credentials.json`, else below `~/.config`. */
export function credentialsPath(env: Environment): string {
  const folder = env["XDG_CONFIG_HOME"] || join(env["HOME"] || findHome(), ".config");
  return join(folder, "stackyard", "credentials.json");
}

/** Returns the home folder of the system's entry for this user. A user without one has no logins, and keeps none. */
function findHome(): string {
  try {
    return homedir();
  } catch {
    return "/nonexistent";
  }
}

/** Returns the login at a server; undefined when missing or expired. The token is sent to its own origin only. */
export async function findLogin(env: Environment, url: string, now: number): Promise<StoredLogin | undefined> {
  const login = (await loadLogins(credentialsPath(env))).get(new URL(url).origin);
  return login !== undefined && login.expiresAt > now ? login : undefined;
}

/** Stores or removes a login. Also removes expired ones. */
export async function storeLogin(
  env: Environment,
  url: string,
  { login, now }: { readonly login: StoredLogin | undefined; readonly now: number },
): Promise<void> {
  const path = credentialsPath(env);
  const logins = new Map([...(await loadLogins(path))].filter(([, { expiresAt }]) => expiresAt > now));
  const { origin } = new URL(url);
  if (login === undefined) logins.delete(origin);
  else logins.set(origin, login);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Written atomically: another command may read it meanwhile.
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(draft, `${JSON.stringify(Object.fromEntries(logins), undefined, 2)}\n`, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, path);
}

async function loadLogins(path: string): Promise<ReadonlyMap<string, StoredLogin>> {
  const text = await readText(path);
  if (text === undefined) return new Map();
  const value = parseJson(text);
  if (!isMap(value)) {
    throw failWith("CONFIG_INVALID", `"${path}" does not contain logins.`, {
      hint: "Remove the file and run `stackyard login` again.",
    });
  }
  return new Map(Object.entries(value).filter((entry): entry is [string, StoredLogin] => isLogin(entry[1])));
}

function isLogin(value: unknown): value is StoredLogin {
  if (!isMap(value)) return false;
  const { token, name, expiresAt } = value;
  return typeof token === "string" && typeof name === "string" && typeof expiresAt === "number";
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw error;
  }
}
