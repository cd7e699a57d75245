import { html, raw } from "hono/html";

/** What a page of ours shows. Texts are escaped where they are put in. */
interface PageInput {
  readonly status?: number;
  readonly title: string;
  readonly body: ReturnType<typeof html>;
  /** A path of ours, or the issuer's page that ends its session. */
  readonly continueAt?: string;
  readonly cookies?: readonly string[];
  /** Fresh random text: only the style with it applies. */
  readonly nonce: string;
}

const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}" +
  "input,button{font:inherit;padding:.4rem .8rem;margin:.2rem .4rem .2rem 0}code{font-size:1.1em}";

/**
 * Answers with a page. It continues by a refresh, not by a redirect: after a redirect from another site, browsers hold
 * back cookies that are `SameSite=Strict`.
 */
export async function toPage({
  status = 200,
  title,
  body,
  continueAt,
  cookies = [],
  nonce,
}: PageInput): Promise<Response> {
  const refresh = continueAt === undefined ? "" : html`<meta http-equiv="refresh" content="0; url=${continueAt}">`;
  const text = await html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title} – Stackyard</title>
<meta name="viewport" content="width=device-width">${refresh}<style nonce="${nonce}">${raw(STYLE)}</style></head>
<body><h1>${title}</h1>${body}</body></html>`;
  const headers = new Headers({ "content-type": "text/html; charset=utf-8", ...toPageHeaders(nonce) });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return new Response(String(text), { status, headers });
}

/** The headers that keep a page to itself. Directives in `further` are added to its policy. */
export function toPageHeaders(nonce: string, further: readonly string[] = []): Readonly<Record<string, string>> {
  return {
    "content-security-policy": toPagePolicy(`'self' 'nonce-${nonce}'`, further),
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
  };
}

/** The policy of a page whose styles come from these sources. */
export function toPagePolicy(styles: string, further: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styles}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...further,
  ].join("; ");
}

/** After a login. */
export const signedInBody = (name: string, continueAt: string) =>
  html`<p>You are signed in as ${name}.</p><p><a href="${continueAt}">Continue</a></p>`;

/** After a logout. */
export const signedOutBody = () => html`<p>You are signed out.</p>`;

/** Asks for the code of a terminal. It is typed, never filled in: a link could otherwise confirm the login of a stranger. */
export const codeFormBody = (name: string, problem = "") =>
  html`<p>You are signed in as ${name}. Type the code that your terminal shows.</p>
<p role="alert">${problem}</p>
<form method="post" action="/auth/confirm"><label>Code
<input name="code" autocomplete="off" autofocus required maxlength="20" placeholder="XXXX-XXXX"></label>
<button>Continue</button></form>`;

/** Shows who asks before the person confirms. */
export const confirmBody = (
  name: string,
  code: string,
  request: { readonly client: string; readonly address?: string },
) =>
  html`<p>A command line asks to sign in as ${name}:</p>
<p><code>${request.client}</code>, from the address <code>${request.address ?? "unknown"}</code></p>
<p>Allow it only when you started it yourself, just now.</p>
<form method="post" action="/auth/confirm"><input type="hidden" name="code" value="${code}">
<button name="answer" value="allow">Allow</button><button name="answer" value="deny">Deny</button></form>`;

/** After a person has answered. */
export const answeredBody = (allowed: boolean) =>
  allowed
    ? html`<p>Your terminal is signed in. You can close this page.</p>`
    : html`<p>The request was denied. You can close this page.</p>`;

/** Signs in to `stackyard dev`. Only the form's POST uses the code up: programs that preview links send a GET. */
export const localBody = (code: string) =>
  html`<p>Sign in to the yard that <code>stackyard dev</code> runs on this machine.</p>
<form method="post" action="/auth/local"><label>Code
<input name="code" autocomplete="off" required maxlength="20" value="${code}"></label>
<button>Sign in</button></form>`;

/** The page at `/`: who is signed in, and the way out. */
export const homeBody = (name: string | undefined) =>
  name === undefined
    ? html`<p>You are not signed in.</p><p><a href="/auth/login">Sign in</a></p>`
    : html`<p>You are signed in as ${name}.</p>
<form method="post" action="/auth/logout"><button>Sign out</button></form>`;

/** What went wrong, for people. */
export const errorBody = (code: string, detail: string) =>
  html`<p role="alert">${detail}</p><p><code>${code}</code></p><p><a href="/auth/login">Sign in</a></p>`;
