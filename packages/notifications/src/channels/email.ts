import { cutText, defined, escapeHtml } from "@stackyard/core";
import { SecretReferenceSchema } from "@stackyard/core/services";
import { createTransport } from "nodemailer";
import { type Static, Type } from "typebox";
import type { Notification } from "../notification.ts";
import { closed } from "./schema-parts.ts";
import { defineChannel, type Sent } from "./send.ts";

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
    try {
      await transport.sendMail({ from, to: [...to], ...toMail(notification) });
      return { kind: "sent" };
    } catch (error) {
      return toMailFailure(error);
    } finally {
      transport.close();
    }
  },
  render: toMail,
});

/** Converts a failure. 5xx rejects the mail permanently (RFC 5321, 4.2.1); other failures may be transient. */
function toMailFailure(error: unknown): Sent {
  const reason = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "responseCode" in error ? Number(error.responseCode) : 0;
  return { kind: code >= 500 && code < 600 ? "refused" : "retried", reason };
}
