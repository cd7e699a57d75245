import { defined, escapeHtml } from "@stackyard/core";
import { createTransport } from "nodemailer";
import type { Notification } from "../notification.ts";
import type { ChannelOf } from "../notifications-document.ts";
import { cut } from "../plain-text.ts";
import type { SendOn, Sent } from "./send.ts";

const TIMEOUT_MS = 10_000;
const MAX_SUBJECT = 200;

/** Returns the content of a mail. In the HTML, texts are escaped and nothing is loaded. */
export function toMail({ id, kind, title, text, url }: Notification) {
  const subject = cut(kind === "resolve" ? `Resolved: ${title}` : title, MAX_SUBJECT);
  const link = url === undefined ? "" : `<p><a href="${escapeHtml(new URL(url).href)}">Open in Stackyard</a></p>`;
  return {
    messageId: `<${id}@stackyard>`,
    subject,
    text: [subject, text, url].filter(Boolean).join("\n\n"),
    html: `<p><b>${escapeHtml(subject)}</b></p><pre>${escapeHtml(text)}</pre>${link}`,
  };
}

/** Sends a mail over SMTP. Mail servers recognize the same notification by its `Message-ID`. */
export const sendEmail: SendOn<ChannelOf<"email">> = async (deps, { options }, notification) => {
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
  try {
    await transport.sendMail({ from, to: [...to], ...toMail(notification) });
    return { kind: "sent" };
  } catch (error) {
    return toMailFailure(error);
  } finally {
    transport.close();
  }
};

/** Converts a failure. 5xx rejects the mail permanently (RFC 5321, 4.2.1); other failures may be transient. */
function toMailFailure(error: unknown): Sent {
  const reason = error instanceof Error ? error.message.slice(0, 300) : String(error);
  const code = error instanceof Error && "responseCode" in error ? Number(error.responseCode) : 0;
  return { kind: code >= 500 && code < 600 ? "refused" : "retried", reason };
}
