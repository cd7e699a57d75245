import { cutText, defined, escapeHtml } from "@stackyard/core";
import { SecretReferenceSchema } from "@stackyard/core/services";
import { createTransport } from "nodemailer";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { openRecord } from "../channel-state.ts";
import type { Notification } from "../notification.ts";
import { closed } from "./schema-parts.ts";
import { defineChannel, type SendDeps, type Sent } from "./send.ts";

const Address = Type.String({ pattern: '^[^\\s<>,;:"]{1,64}@[^\\s<>,;:"]{1,255}$', expected: "an e-mail address" });
const Options = Type.Object(
  {
    type: Type.Literal("email"),
    host: Type.String({ minLength: 1, maxLength: 253 }),
    port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_535, description: "Default: 587; 465 is TLS at once." }),
    ),
    tls: Type.Optional(
      Type.Union([Type.Literal("required"), Type.Literal("off")], { description: "Default: required." }),
    ),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 320 })),
    password: Type.Optional(SecretReferenceSchema),
    from: Address,
    to: Type.Array(Address, { minItems: 1, maxItems: 50 }),
  },
  closed,
);

const TIMEOUT_MS = 10_000;
/** Longer than anything is repeated. */
const KEEP_MS = 7 * 86_400_000;
const MAX_SUBJECT = 200;

/** Returns the content of a mail. In the HTML, texts are escaped and nothing is loaded. */
export function toMail({ id, kind, title, text, url }: Notification) {
  const subject = cutText(kind === "resolve" ? `Resolved: ${title}` : title, MAX_SUBJECT);
  const link = url === undefined ? "" : `<p><a href="${escapeHtml(new URL(url).href)}">Open in Stackyard</a></p>`;
  return {
    messageId: `<${id}@stackyard>`,
    subject,
    text: [subject, text, url].filter(Boolean).join("\n\n"),
    html: `<p><b>${escapeHtml(subject)}</b></p><pre>${escapeHtml(text)}</pre>${link}`,
  };
}

/** Sends a mail over SMTP. Mail servers recognize the same notification by its `Message-ID`. */
export const email = defineChannel<typeof Options.properties, Static<typeof Options>>({
  type: "email",
  schema: Options,
  async send(deps, { options }, notification) {
    const { host, port = 587, tls = "required", user, password, from, to } = options;
    const login =
      user !== undefined && password !== undefined ? { user, pass: await deps.readSecret(password) } : undefined;
    const transport = createTransport({
      host,
      port,
      secure: tls === "required" && port === 465,
      requireTLS: tls === "required",
      ignoreTLS: tls === "off",
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      ...defined({ auth: login }),
      // Contents are our texts: they never name a file or an address to load.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const sendTo = (missing: string[]) => transport.sendMail({ from, to: missing, ...toMail(notification) });
    try {
      return await sendToEach(deps, { key: `notifications/mail/${notification.id}`, to }, sendTo);
    } catch (error) {
      return toMailFailure(error);
    } finally {
      transport.close();
    }
  },
  render: toMail,
});

/** What a server has answered for an address; "" is that it takes the mail. */
const Answers = Type.Record(Type.String(), Type.String());

interface MailTo {
  /** Of the record of answers. */
  readonly key: string;
  readonly to: readonly string[];
}

/**
 * Sends a mail until each recipient has a final answer. Who has it, or never gets it, is remembered, so that a repetition
 * is for the others only.
 */
async function sendToEach(
  deps: SendDeps,
  { key, to }: MailTo,
  sendTo: (missing: string[]) => Promise<{ readonly rejectedErrors?: readonly unknown[] | undefined }>,
): Promise<Sent> {
  const record = await openRecord(deps, key);
  const before = Check(Answers, record.found?.value) ? record.found.value : {};
  const missing = to.filter((address) => before[address] === undefined);
  const errors = missing.length === 0 ? [] : ((await sendTo(missing).catch(toRejected)).rejectedErrors ?? []);
  const rejected = errors.map(toRejection);
  const later = rejected.filter(({ isFinal }) => !isFinal);
  const taken = missing.filter((address) => !rejected.some((each) => each.address === address));
  const final = rejected.filter(({ isFinal }) => isFinal).map(({ address, reason }) => [address, reason] as const);
  const answers = { ...before, ...Object.fromEntries([...taken.map((address) => [address, ""] as const), ...final]) };
  if (later.length > 0) {
    if (taken.length + final.length > 0) await record.put(answers, deps.clock.now() + KEEP_MS);
    return { kind: "retried", reason: later.map(({ reason }) => reason).join("; ") };
  }
  const reasons = Object.values(answers).filter((reason) => reason !== "");
  return reasons.length === 0 ? { kind: "sent" } : { kind: "refused", reason: reasons.join("; "), isAboutOne: true };
}

/** Returns the answers of an error that says that no recipient was taken; throws other errors. */
function toRejected(error: unknown): { readonly rejectedErrors: readonly unknown[] } {
  const found = error instanceof Error && "rejectedErrors" in error ? error.rejectedErrors : undefined;
  if (Array.isArray(found) && found.length > 0) return { rejectedErrors: found };
  throw error;
}

function toRejection(error: unknown) {
  const { reason, code } = toFacts(error);
  const address = error instanceof Error && "recipient" in error ? String(error.recipient) : "";
  return { address, reason: reason.includes(address) ? reason : `${address}: ${reason}`, isFinal: isRejection(code) };
}

/** Returns true for 5xx, which rejects permanently (RFC 5321, 4.2.1). Other failures may be transient. */
function isRejection(code: number): boolean {
  return code >= 500 && code < 600;
}

function toFacts(error: unknown): { readonly reason: string; readonly code: number } {
  const reason = error instanceof Error ? error.message : String(error);
  return { reason, code: error instanceof Error && "responseCode" in error ? Number(error.responseCode) : 0 };
}

/** Converts a failure that is about no recipient. */
function toMailFailure(error: unknown): Sent {
  const { reason, code } = toFacts(error);
  const isLogin = error instanceof Error && "code" in error && error.code === "EAUTH";
  if (!isRejection(code)) return { kind: "retried", reason };
  return { kind: "refused", reason, ...(!isLogin && { isAboutOne: true }) };
}
