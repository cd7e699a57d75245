import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StackyardError } from "@stackyard/core";

const TOKEN_FILE = "token";

const TOKEN = /^[A-Za-z0-9_-]{32,128}$/;

/**
 * Returns the token in the data folder (file `token`, mode 600); creates one of 256 random bits when the file is
 * missing. Two processes that start together get the same one. Throws `CONFIG_INVALID` when the file contains something
 * else.
 */
export async function ensureToken(dataDir: string): Promise<string> {
  return ensureSecret(join(dataDir, TOKEN_FILE));
}

/**
 * Returns the random secret of a file, which is created on first use and which only its owner can read. Processes that
 * start at the same time all get the same one.
 *
 * @throws StackyardError `CONFIG_INVALID` when the file contains something else.
 */
export async function ensureSecret(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const present = await findToken(file);
  if (present !== undefined) return present;
  // A link is atomic, and never replaces a file that another process has created first.
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
  if (made === undefined) throw new StackyardError("CONFIG_INVALID", `The file "${file}" cannot be read back.`);
  return made;
}

async function findToken(file: string): Promise<string | undefined> {
  try {
    const token = (await readFile(file, "utf8")).trim();
    if (!TOKEN.test(token)) {
      throw new StackyardError("CONFIG_INVALID", `"${file}" contains no secret. Remove the file to create a new one.`);
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
