import { hostname } from "node:os";
import { defineCommand, isStackyardError, optionalFlag } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import type { Session } from "@stackyard/sdk";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { failWith } from "../failure.ts";
import { type Output, type Painter, toAge } from "../output.ts";
import { defineServerCommand, findServerPlace, readAll, serverArgs } from "../server/connection.ts";
import { findLogin, storeLogin } from "../server/credentials.ts";
import { findOpener, openBrowser } from "../server/open-browser.ts";
import { type DeviceCode, endLogin, pollDeviceCode, requestDeviceCode, requestLocalUrl } from "../server/sign-in.ts";
import { findUserName } from "../user-name.ts";
import { printItems } from "./print-list.ts";

const { token: _, ...placeArgs } = serverArgs;

/** `stackyard login` */
export const login = defineCommand({
  name: "login",
  summary: "Sign in to a server with your browser.",
  description: [
    "Prints an address and a code, and opens the address in your browser: sign in, type the code, and allow this terminal. Opens nothing in a pipe, over SSH, and with --no-browser; BROWSER names another program. The login lasts 16 hours and is kept in $XDG_CONFIG_HOME/stackyard/credentials.json, by server.",
    "Commands for the server of `stackyard dev` need no login. There, this command prints and opens an address at which a browser signs in.",
  ].join("\n"),
  examples: {
    "stackyard login --url https://yard.example.org": "Sign in for the next 16 hours.",
    "stackyard login": "Print a new address for the browser, while `stackyard dev` runs.",
  },
  args: Type.Object({ ...placeArgs, noBrowser: optionalFlag("Only print the address.") }),
  async run(context: CommandContext, { noBrowser = false, ...given }) {
    const { out, env, signal } = context;
    const { url, ownToken } = await findServerPlace(context, given);
    const localUrl =
      ownToken === undefined ? undefined : await requestLocalUrl(url, ownToken, { name: findUserName(env) });
    if (localUrl !== undefined) {
      out.result(
        { kind: "local", url: localUrl },
        () => `Open ${out.paint("cyan", localUrl)}\nIt can be used once, within 10 minutes.`,
      );
      if (!noBrowser) await openForPerson(context, localUrl);
      return 0;
    }
    const code = await requestDeviceCode(url, `${findUserName(env)}@${hostname()}`);
    if (code === undefined) {
      throw failWith("CONFIG_INVALID", `Sign-in is not configured at ${url}.`, {
        hint: "The server's configuration has no access.people. Use a token (--token or STACKYARD_TOKEN), or set server.url for one-time codes of `stackyard console`.",
      });
    }
    printCode(code, out);
    if (!noBrowser) await openForPerson(context, code.verificationUri);
    const { token, name, lifetimeMs } = await waitForAnswer(url, code, { signal, out });
    const now = Date.now();
    const expiresAt = now + lifetimeMs;
    await storeLogin(env, url, { login: { token, name, expiresAt }, now });
    const until = new Date(expiresAt).toISOString();
    out.result(
      { kind: "signed-in", url, name, expiresAt: until },
      () => `Signed in to ${url} as ${out.paint("bold", name)} until ${until}.`,
    );
    return 0;
  },
});

/** Opens an address that was printed, where a browser can be opened. */
async function openForPerson({ out, env }: CommandContext, url: string): Promise<void> {
  const opener = findOpener({ env, platform: process.platform, interactive: out.interactive });
  if (opener === undefined) return;
  const opened = await openBrowser(opener, url, env);
  out.note(opened ? "Opened in your browser." : `"${opener[0]}" cannot open it. Open the address yourself.`);
}

function printCode({ userCode, verificationUri, expiresInMs }: DeviceCode, out: Output): void {
  const expiresAt = new Date(Date.now() + expiresInMs).toISOString();
  out.result({ kind: "code", userCode, verificationUri, expiresAt }, () =>
    [
      `Open       ${out.paint("cyan", verificationUri)}`,
      `and type   ${out.paint("bold", userCode)}`,
      "The page shows this machine's name. Allow it only when it is yours.",
    ].join("\n"),
  );
}

const SLOWER_MS = 5_000;

/**
 * Polls for the login until the code expires, also when the server accepts a request and does not answer it. A server that
 * does not answer meanwhile is called again at the same interval.
 */
async function waitForAnswer(url: string, code: DeviceCode, { signal, out }: Pick<CommandContext, "signal" | "out">) {
  const endsAt = systemClock.now() + code.expiresInMs;
  const isOver = AbortSignal.any([signal, AbortSignal.timeout(code.expiresInMs)]);
  let { intervalMs } = code;
  let isSilent = false;
  while (systemClock.now() < endsAt) {
    await systemClock.sleep(Math.min(intervalMs, endsAt - systemClock.now()), signal);
    const result = await pollOrWait(url, code.deviceCode, isOver);
    if (signal.aborted) throw failWith("INTERRUPTED", "The login was interrupted.");
    if (result.kind === "signed-in") return result;
    if (result.kind === "slow-down") intervalMs += SLOWER_MS;
    if (result.kind === "silent" && !isSilent) out.note(`${url} does not answer. Trying again until the code expires.`);
    isSilent = result.kind === "silent";
  }
  throw failWith("LOGIN_FAILED", "The code has expired before the login was answered. Sign in again.");
}

/** Polls once. A server that restarts meanwhile does not end the login. */
async function pollOrWait(url: string, deviceCode: string, signal: AbortSignal) {
  try {
    return await pollDeviceCode(url, deviceCode, signal);
  } catch (error) {
    if (isStackyardError(error, "UNREACHABLE")) return { kind: "silent" } as const;
    if (isStackyardError(error, "RATE_LIMITED")) return { kind: "slow-down" } as const;
    throw error;
  }
}

/** `stackyard logout` */
export const logout = defineCommand({
  name: "logout",
  summary: "End the login of this machine at a server.",
  description: "The browser stays signed in; sign out there, or end its session with `stackyard sessions revoke`.",
  examples: { "stackyard logout --url https://yard.example.org": "End the login." },
  args: Type.Object({ ...placeArgs }),
  async run(context: CommandContext, given) {
    const { out, env } = context;
    const { url } = await findServerPlace(context, given);
    const now = Date.now();
    const found = await findLogin(env, url, now);
    if (found === undefined) {
      out.result({ kind: "signed-out", url, ended: false }, () => `You are not signed in to ${url}.`);
      return 0;
    }
    const ended = await endLogin(url, found.token);
    await storeLogin(env, url, { login: undefined, now });
    out.result({ kind: "signed-out", url, ended }, () => `Signed out of ${url}.`);
    return 0;
  },
});

/** `stackyard sessions ls` */
export const sessionsLs = defineServerCommand({
  name: "sessions ls",
  summary: "List logins that have not ended: your own, and with the permission `access` those of others.",
  examples: { "stackyard sessions ls": "List logins with their ids." },
  args: Type.Object({}),
  async run({ out, yard, signal }) {
    const sessions = await readAll((page) => yard.sessions.list({ ...page, signal }), { out });
    printItems(sessions, SESSIONS, { out });
    if (sessions.length === 0) out.note("No logins.");
  },
});

/** `stackyard sessions revoke` */
export const sessionsRevoke = defineServerCommand({
  name: "sessions revoke",
  summary: "End a login. Requests with it are refused within 5 s.",
  examples: { "stackyard sessions revoke 4be0643f1d98573b97caca98a65347dd": "End one login." },
  args: Type.Object({ session: Type.String({ minLength: 1, description: "Its id, as `sessions ls` shows it." }) }),
  async run({ out, yard, signal }, { session }) {
    const ended = await yard.sessions.revoke(session, { signal });
    out.result(ended, () => `Ended the ${KINDS[ended.kind]} login of ${ended.who.name}.`);
  },
});

const KINDS: Readonly<Record<Session["kind"], string>> = { browser: "browser", cli: "command line", workload: "job" };
const SESSIONS = { columns: ["ID", "WHO", "LOGIN", "FROM", "SINCE", "USED", "ENDS", "GROUPS"], toRow };

function toRow(session: Session, out: Painter, now: number): readonly string[] {
  const { id, who, kind, client, address = "", createdAt, usedAt, endsAt, current, groups } = session;
  return [
    id,
    `${out.paint("bold", who.name)}${current ? out.paint("green", " (you)") : ""}`,
    client === undefined ? KINDS[kind] : `${KINDS[kind]} ${client}`,
    address,
    `${toAge(createdAt, now)} ago`,
    `${toAge(usedAt, now)} ago`,
    `in ${toAge(new Date(now).toISOString(), Date.parse(endsAt))}`,
    groups.join(", "),
  ];
}
