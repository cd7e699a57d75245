import { readFile } from "node:fs/promises";
import type { startYard } from "@stackyard/core/engine";
import { parseDuration } from "@stackyard/core/machine";
import { failWith } from "../failure.ts";

/** What the environment says of a yard's engine. */
export type EngineSettings = Pick<NonNullable<Parameters<typeof startYard>[1]>, "engine" | "retention">;

type Environment = Readonly<Record<string, string | undefined>>;

const DAY_MS = 86_400_000;
const COUNT = /^[1-9][0-9]{0,8}$/;
const DAYS = /^[1-9][0-9]{0,4}$/;

/** Reads the variables of the engine; an empty one counts as none. Throws one `CONFIG_INVALID` that lists every fault. */
export function parseEngineSettings(env: Environment): EngineSettings {
  const faults: string[] = [];
  const read = <Value>(name: string, parse: (text: string) => Value | undefined, must: string): Value | undefined => {
    const text = env[name] ?? "";
    const value = text === "" ? undefined : parse(text);
    if (text !== "" && value === undefined) faults.push(`${name} must be ${must}.`);
    return value;
  };
  const refusedEvents = read("REFUSED_EVENTS", toRefusedEvents, REFUSED_FORM);
  const keepMs = read("REFUSED_EVENTS_KEEP", parseDuration, "a duration such as 90m");
  const perHour = read("AUTOMATIC_TRANSITIONS_PER_HOUR", toCount, "a whole number above 0");
  const historyMs = read("HISTORY_RETENTION_DAYS", toDays, "a whole number of days above 0");
  const allowExternalNext = read("ALLOW_EXTERNAL_NEXT", toSwitch, "true or false");
  if (faults.length > 0) throw invalid(faults);
  return {
    engine: {
      ...(refusedEvents !== undefined && { refusedEvents }),
      ...(keepMs !== undefined && { parking: { keepMs } }),
      ...(perHour !== undefined && { limits: { automaticEntriesPerHour: perHour } }),
      ...(allowExternalNext !== undefined && { allowExternalNext }),
    },
    ...(historyMs !== undefined && { retention: { historyMs } }),
  };
}

const REFUSED_FORM = "park or drop; redeliver is for queues that keep no order";

function toRefusedEvents(text: string): "park" | "drop" | undefined {
  return text === "park" || text === "drop" ? text : undefined;
}

function toCount(text: string): number | undefined {
  return COUNT.test(text) ? Number(text) : undefined;
}

function toDays(text: string): number | undefined {
  return DAYS.test(text) ? Number(text) * DAY_MS : undefined;
}

function toSwitch(text: string): boolean | undefined {
  return text === "true" || text === "false" ? text === "true" : undefined;
}

function invalid(faults: readonly string[]) {
  const list = faults.map((fault) => `\n  - ${fault}`).join("");
  return failWith("CONFIG_INVALID", `The environment does not fit:${list}`, {
    hint: "Correct these variables, or unset them: each has a default.",
  });
}

/** A secret that lets its bearer in, and the name under which that shows in histories. */
export interface ApiToken {
  readonly name: string;
  readonly token: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
const SECRET = /^[\x21-\x2b\x2d-\x7e]{16,256}$/;

/**
 * The tokens that the environment names: `STACKYARD_API_TOKENS` (`ada=secret,ci=other`; one name may have two, while one
 * replaces the other), or the same in the file `STACKYARD_API_TOKENS_FILE`. None: the environment names none. Throws
 * `CONFIG_INVALID` that shows no secret.
 */
export async function loadApiTokens(env: Environment): Promise<readonly ApiToken[]> {
  const path = env["STACKYARD_API_TOKENS_FILE"] ?? "";
  const inFile = path === "" ? [] : parseApiTokens(await readTokens(path), path);
  return [...parseApiTokens(env["STACKYARD_API_TOKENS"] ?? "", "STACKYARD_API_TOKENS"), ...inFile];
}

/** Reads a list of tokens, parted by commas or white space; a line that begins with `#` says nothing. */
export function parseApiTokens(text: string, from: string): readonly ApiToken[] {
  const items = text
    .replaceAll(/^\s*#.*$/gm, "")
    .split(/[\s,]+/)
    .filter((item) => item !== "");
  const tokens = items.map((item, index) => parseToken(item, `Token ${index + 1} of ${from}`));
  const names = new Map(tokens.map(({ name, token }) => [token, name]));
  const stolen = tokens.find(({ name, token }) => names.get(token) !== name);
  if (stolen === undefined) return tokens;
  throw invalidApiTokens(`${from} gives "${stolen.name}" and "${names.get(stolen.token)}" the same token.`);
}

function parseToken(item: string, what: string): ApiToken {
  const equals = item.indexOf("=");
  if (equals < 0) throw invalidApiTokens(`${what} has no name. Write it as name=token.`);
  const [name, token] = [item.slice(0, equals), item.slice(equals + 1)];
  if (!NAME.test(name)) {
    throw invalidApiTokens(
      `${what} has an invalid name: use 1 to 64 letters, digits and . _ @ -, beginning with a letter or digit.`,
    );
  }
  // Its name is not shown: a token that ends with "=" and has no name looks like one.
  if (!SECRET.test(token))
    throw invalidApiTokens(`${what} must have 16 to 256 visible ASCII characters after its name.`);
  return { name, token };
}

async function readTokens(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw failWith("CONFIG_INVALID", `The file of STACKYARD_API_TOKENS_FILE cannot be read: ${why}`, { cause: error });
  }
}

function invalidApiTokens(message: string): Error {
  return failWith("CONFIG_INVALID", message, {
    hint: "One way to make a token: `openssl rand -base64 32`. Then: STACKYARD_API_TOKENS=ada=<token>,ci=<another>.",
  });
}
