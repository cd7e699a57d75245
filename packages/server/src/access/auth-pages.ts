import { html, raw } from "hono/html";

/** The content of one of our pages. Texts are escaped on insertion. */
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
 * Returns a page as a response. It continues by a refresh, not by a redirect: after a redirect from another site,
 * browsers withhold cookies that are `SameSite=Strict`.
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

/** Returns the headers that isolate a page. Directives in `further` are added to its policy. */
export function toPageHeaders(nonce: string, further: readonly string[] = []): Readonly<Record<string, string>> {
  return {
    "content-security-policy": toPagePolicy(`'self' 'nonce-${nonce}'`, further),
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
  };
}

/** Formats the policy of a page that loads its styles from these sources. */
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

/** Renders the page after a login. */
export const signedInBody = (name: string, continueAt: string) =>
  html`<p>You are signed in as ${name}.</p><p><a href="${continueAt}">Continue</a></p>`;

/** Renders the page that asks whether the browser is signed in already. */
export const unknownLoginBody = (continueAt: string) => html`<p><a href="${continueAt}">Continue</a></p>`;

/** Renders the page after a logout. */
export const signedOutBody = () => html`<p>You are signed out.</p>`;

/**
 * Renders a form for the code of a terminal. It is never filled in: a link could then confirm another person's login.
 */
export const codeFormBody = (name: string, problem = "") =>
  html`<p>You are signed in as ${name}. Type the code that your terminal shows.</p>
<p role="alert">${problem}</p>
<form method="post" action="/auth/confirm"><label>Code
<input name="code" autocomplete="off" autofocus required maxlength="20" placeholder="XXXX-XXXX"></label>
<button>Continue</button></form>`;

/** Renders the requester's details before the person confirms. */
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

/** Renders the page after a person has answered. */
export const answeredBody = (allowed: boolean) =>
  allowed
    ? html`<p>Your terminal is signed in. You can close this page.</p>`
    : html`<p>The request was denied. You can close this page.</p>`;

/** The ways in for browsers that a server has. */
export interface SignInWays {
  /** At the issuer of `access.people`. */
  readonly people: boolean;
  /** By a one-time code. */
  readonly code: boolean;
}

/** Renders links to the ways in that exist, which return to a path of ours. */
const waysIn = ({ people, code }: SignInWays, returnTo: string) => {
  const query = returnTo === "/" ? "" : `?return=${encodeURIComponent(returnTo)}`;
  if (!people && !code)
    return html`<p>This server has no sign-in for browsers: <code>access.people</code> and <code>server.url</code> are missing. Programs use tokens.</p>`;
  return html`${people ? html`<p><a href="/auth/login${query}">Sign in</a></p>` : ""}
${code ? html`<p><a href="/auth/local${query}">Sign in with a one-time code</a></p>` : ""}`;
};

/** Signs in with a one-time code. Only the form's POST uses the code up: programs that preview links send a GET. */
export const localBody = (code: string, returnTo: string) =>
  html`<p>Sign in with a one-time code. <code>stackyard console</code> prints one; it needs an administrator's token of the yard.</p>
<form method="post" action="/auth/local"><input type="hidden" name="return" value="${returnTo}"><label>Code
<input name="code" autocomplete="off" required maxlength="24" value="${code}"></label>
<button>Sign in</button></form>`;

/** Renders the page at `/`: the person who is signed in, and the logout. */
export const homeBody = (name: string | undefined, ways: SignInWays) =>
  name === undefined
    ? html`<p>You are not signed in.</p>${waysIn(ways, "/")}`
    : html`<p>You are signed in as ${name}.</p>
<form method="post" action="/auth/logout"><button>Sign out</button></form>`;

/** Renders an error for people, and how to try again. */
export const errorBody = (code: string, detail: string, ways: SignInWays, returnTo: string) =>
  html`<p role="alert">${detail}</p><p><code>${code}</code></p>${waysIn(ways, returnTo)}`;
