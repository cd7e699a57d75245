import { defined, keepStart, StackyardError } from "@stackyard/core";
import { json } from "../http/route.ts";
import {
  type AuthContext,
  type AuthHandler,
  beginSession,
  checkOurPage,
  endSession,
  findBrowserSession,
  readForm,
  toAuthPage,
} from "./auth-context.ts";
import { answeredBody, codeFormBody, confirmBody } from "./auth-pages.ts";
import type { RequestFacts } from "./caller.ts";
import { type DeviceLogins, type DeviceSender, LOGIN_MS, POLL_SECONDS } from "./pending-logins.ts";
import type { Session } from "./sessions.ts";

/** Logins of command lines (RFC 8628). */
export interface DeviceDeps {
  readonly devices: DeviceLogins;
  /** False if no sign-in with a browser is configured, so a request could not be confirmed. */
  readonly enabled: boolean;
}

/** Handles `POST /auth/device`: a command line requests a code. `client_name` is shown to the person. */
export function createDeviceHandler(context: AuthContext, { devices, enabled }: DeviceDeps): AuthHandler {
  return async (request, { address }) => {
    if (!enabled)
      throw new StackyardError("NOT_FOUND", "Sign-in is not configured on this server: access.people is missing.");
    const client = toClientName((await readForm(request)).get("client_name"));
    const { deviceCode, userCode } = await devices.begin({ client, ...defined({ address }) });
    // Without `verification_uri_complete`: the person types the code from their own terminal.
    return json(200, {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: `${context.findPlace(request).url.origin}/auth/confirm`,
      expires_in: LOGIN_MS / 1_000,
      interval: POLL_SECONDS,
    });
  };
}

/** Returns a name in one line; the requester chose it. */
function toClientName(text: string | undefined): string {
  const name = keepStart((text ?? "").replaceAll(/[^\p{L}\p{N} ._@-]/gu, "").trim(), 64);
  return name === "" ? "unnamed" : name;
}

/** Handles `GET /auth/confirm`: shows a form for the terminal's code. */
export function createCodePageHandler(context: AuthContext): AuthHandler {
  return async (request) => {
    const session = await findBrowserSession(context, request);
    if (session === undefined) {
      const way = context.ways.people ? "login" : "local";
      return new Response(null, { status: 303, headers: { location: `/auth/${way}?return=/auth/confirm` } });
    }
    return toAuthPage(context, { title: TITLE, body: codeFormBody(session.sender.name) });
  };
}

const TITLE = "Sign in to a terminal";

/** Handles `POST /auth/confirm`: the person has typed the code, sees the requester, and answers. */
export function createConfirmHandler(context: AuthContext, { devices }: DeviceDeps): AuthHandler {
  return async (request) => {
    checkOurPage(context, request);
    const session = await findBrowserSession(context, request);
    if (session === undefined) {
      throw new StackyardError("UNAUTHENTICATED", "Your session has ended. Sign in and type the code again.");
    }
    const form = await readForm(request);
    const code = form.get("code") ?? "";
    const { name } = session.sender;
    const found = await devices.find(code);
    if (found === undefined) {
      const body = codeFormBody(name, "This code is unknown, was answered, or is older than 10 minutes.");
      return toAuthPage(context, { status: 400, title: TITLE, body });
    }
    const answer = form.get("answer");
    if (answer === undefined) {
      return toAuthPage(context, { title: "Allow this terminal?", body: confirmBody(name, code, found) });
    }
    const isAllowed = answer === "allow";
    await storeAnswer(devices, code, isAllowed ? toDeviceSender(session) : "denied");
    return toAuthPage(context, { title: isAllowed ? "Allowed" : "Denied", body: answeredBody(isAllowed) });
  };
}

async function storeAnswer(devices: DeviceLogins, code: string, answer: DeviceSender | "denied"): Promise<void> {
  if (await devices.answer(code, answer)) return;
  throw new StackyardError("NOT_FOUND", "The request has ended. Start it again in the terminal.");
}

function toDeviceSender({ id: parent, endsAt: parentEndsAt, sender, ...session }: Session): DeviceSender {
  const { id, name, groups } = sender;
  const { issuer, subject, sid, token, role } = session;
  const kind = sender.kind === "local" ? "local" : "person";
  return { kind, id, name, groups, ...defined({ issuer, subject, sid, token, role }), parent, parentEndsAt };
}

/** Handles the device codes of `POST /auth/token`. A pending request is not counted as a failure. */
export async function answerDeviceGrant(
  context: AuthContext,
  { devices }: DeviceDeps,
  { deviceCode, facts }: { readonly deviceCode: string; readonly facts: RequestFacts },
): Promise<{ readonly response: Response; readonly failed: boolean }> {
  const poll = await devices.poll(deviceCode);
  if (poll.kind !== "approved") {
    const failed = poll.kind === "expired_token";
    return { response: json(400, { error: poll.kind, error_description: DESCRIPTIONS[poll.kind] }), failed };
  }
  const { issuer, subject, sid, token, role, parent, parentEndsAt: mostUntil, ...sender } = poll.sender;
  // Its groups are those of the login in the browser, and no fresher.
  const login = { kind: "cli", sender, client: poll.request.client, parent, mostUntil } as const;
  const isAlive = async () => (await context.sessions.get(parent)) !== undefined;
  if (!(await isAlive())) return endedParent();
  const origin = defined({ issuer, subject, sid, token, role });
  const { secret, session } = await beginSession(context, { ...login, ...origin }, facts);
  if (!(await isAlive())) {
    await endSession(context, session.id, { facts });
    return endedParent();
  }
  const body = {
    access_token: secret,
    token_type: "Bearer",
    expires_in: Math.floor((session.endsAt - session.createdAt) / 1_000),
    name: sender.name,
  };
  return { response: json(200, body), failed: false };
}

/** Answers that the login that allowed the request has ended since. */
function endedParent() {
  const description = "The login that allowed the request has ended. Sign in and start again.";
  return { response: json(400, { error: "access_denied", error_description: description }), failed: true };
}

const DESCRIPTIONS = {
  authorization_pending: "The person has not answered yet.",
  slow_down: "Wait 5 seconds longer between polls.",
  access_denied: "The person denied the request.",
  expired_token: "The code is unknown, was used, or is older than 10 minutes. Start again.",
} as const;
