import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StackyardError } from "@stackyard/core";

const TOKEN_FILE = "token";
const TOKEN = /^[A-Za-z0-9_-]{32,128}$/;

/**
 * The token in the data folder (file `token`, mode 600); made of 256 random bits when there is none. Two processes that
 * start together get the same one. Throws `CONFIG_INVALID` when the file holds something else.
 */
export async function ensureToken(dataDir: string): Promise<string> {
  const file = join(dataDir, TOKEN_FILE);
  await mkdir(dataDir, { recursive: true });
  const present = await findToken(file);
  if (present !== undefined) return present;
  // A link appears whole or not at all, and never replaces what another process has put there first.
  const draft = `${file}.${process.pid}.${randomBytes(6).toString("hex")}`;
  await writeFile(draft, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  try {
    await link(draft, file);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const made = await findToken(file);
  if (made === undefined) throw new StackyardError("CONFIG_INVALID", `The token file "${file}" cannot be read back.`);
  return made;
}

async function findToken(file: string): Promise<string | undefined> {
  try {
    const token = (await readFile(file, "utf8")).trim();
    if (!TOKEN.test(token)) {
      throw new StackyardError("CONFIG_INVALID", `"${file}" holds no token. Remove the file; a new one is made.`);
    }
    await chmod(file, 0o600);
    return token;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
