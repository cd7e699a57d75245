import { html, raw } from "hono/html";

/** The content of one of our pages. Texts are escaped on insertion. */
export interface PageInput {
  readonly status?: number;
  readonly title: string;
  readonly body: ReturnType<typeof html>;
  /** A path of ours, or the issuer's page that ends its session. */
  readonly continueAt?: string;
  readonly cookies?: readonly string[];
  /** Fresh random text: only the style with it applies. */
  readonly nonce: string;
  /** Shown below the name of the product. */
  readonly yardName?: string | undefined;
}

/** Colors and measures of the console, without its files: an error page must not depend on them. */
const STYLE = `
:root { color-scheme: light dark; --bg: #f6f7f9; --surface: #fff; --sunken: #f1f3f6; --line: #dfe3e9; --control: #7d8794;
  --text: #12161c; --muted: #535d6a; --ink: #161b22; --on-ink: #fff; --link: #1b4f9c; --focus: #1d63d8;
  --failed: #b32015; --failed-tint: #fdeeec; --failed-line: #f3bcb6; }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1014; --surface: #151a20; --sunken: #0f1317; --line: #2a323c;
  --control: #75808d; --text: #e8ecf1; --muted: #a2acb8; --ink: #e8ecf1; --on-ink: #0d1014; --link: #9cc2ff;
  --focus: #6ea8ff; --failed: #ff8d84; --failed-tint: #2c1614; --failed-line: #6d2c27; } }
body { display: grid; place-items: center; min-height: 100vh; margin: 0; background: var(--bg); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
main { width: min(400px, calc(100vw - 32px)); padding: 24px 0; }
.brand { display: flex; gap: 12px; align-items: center; margin: 0 0 20px; font-size: 18px; font-weight: 600; line-height: 1.3; }
.brand span { display: block; color: var(--muted); font-size: 14px; font-weight: 400; }
.card { display: grid; gap: 18px; padding: 28px; border: 1px solid var(--line); border-radius: 10px; background: var(--surface);
  overflow-wrap: anywhere; }
h1, p, form { margin: 0; }
h1 { font-size: 20px; line-height: 1.25; }
a { color: var(--link); }
form, .ways { display: grid; gap: 12px; }
label { display: grid; gap: 6px; font-size: 14px; font-weight: 500; }
.row { display: flex; gap: 8px; }
.row > * { flex: 1 1 0; }
.row > input + button { flex: none; }
.hint { color: var(--muted); font-size: 14px; }
input, button, .button { box-sizing: border-box; min-width: 0; height: 44px; padding: 0 16px; border: 1px solid var(--control);
  border-radius: 6px; background: var(--surface); color: var(--text); font: 500 14px/42px system-ui, -apple-system,
  "Segoe UI", "Noto Sans", sans-serif; text-align: center; text-decoration: none; cursor: pointer; }
input { padding: 0 12px; font: 16px ui-monospace, menlo, consolas, monospace; text-align: start; cursor: text; }
.primary { border-color: var(--ink); background: var(--ink); color: var(--on-ink); font-weight: 600; }
:is(a, input, button):focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
code { padding: 1px 5px; border-radius: 4px; background: var(--sunken); font: 13px ui-monospace, menlo, consolas, monospace; }
[role="alert"] { padding: 10px 12px; border: 1px solid var(--failed-line); border-radius: 6px; background: var(--failed-tint);
  color: var(--failed); font-size: 14px; }
[role="alert"]:empty { display: none; }
`;

const MARK = `<svg width="40" height="40" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#161b22" stroke="var(--line)"/><rect x="11.5" y="7" width="9" height="9" rx="1.5" fill="#cfd6de"/><rect x="6" y="18" width="9" height="8" rx="1.5" fill="#fff"/><rect x="17" y="18" width="9" height="8" rx="1.5" fill="#fff"/></svg>`;

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
  yardName = "",
}: PageInput): Promise<Response> {
  const refresh = continueAt === undefined ? "" : html`<meta http-equiv="refresh" content="0; url=${continueAt}">`;
  const text = await html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title} – Stackyard</title>
<meta name="viewport" content="width=device-width">${refresh}<style nonce="${nonce}">${raw(STYLE)}</style></head>
<body><main><p class="brand">${raw(MARK)}<b>Stackyard<span>${yardName}</span></b></p>
<section class="card"><h1>${title}</h1>${body}</section></main></body></html>`;
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
  html`<p>You are signed in as ${name}.</p><a class="button primary" href="${continueAt}">Continue</a>`;

/** Renders the page that asks whether the browser is signed in already. */
export const unknownLoginBody = (continueAt: string) =>
  html`<a class="button primary" href="${continueAt}">Continue</a>`;

/** Renders the page after a logout. */
export const signedOutBody = () => html`<p>You are signed out.</p><a class="button" href="/">Sign in again</a>`;

/**
 * Renders a form for the code of a terminal. It is never filled in: a link could then confirm another person's login.
 */
export const codeFormBody = (name: string, problem = "") =>
  html`<p>You are signed in as ${name}. Type the code that your terminal shows.</p>
<p role="alert">${problem}</p>
<form method="post" action="/auth/confirm"><label>Code
<span class="row"><input name="code" autocomplete="off" autofocus required maxlength="20" placeholder="XXXX-XXXX">
<button class="primary">Continue</button></span></label></form>`;

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
<span class="row"><button class="primary" name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button></span></form>`;

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
  /** The host of the issuer. */
  readonly issuer?: string;
}

/** Returns the query that keeps where a sign-in leads. */
const toQuery = (returnTo: string) => (returnTo === "/" ? "" : `?return=${encodeURIComponent(returnTo)}`);

/** Renders links to the ways in that exist, which return to a path of ours. */
const waysIn = ({ people, code, issuer }: SignInWays, returnTo: string) => {
  const query = toQuery(returnTo);
  if (!people && !code)
    return html`<p>This server has no sign-in for browsers: <code>access.people</code> and <code>server.url</code> are missing. Programs use tokens.</p>`;
  return html`<div class="ways">${people ? html`<a class="button primary" href="/auth/login${query}">${issuer === undefined ? "Sign in" : `Sign in at ${issuer}`}</a>` : ""}
${code ? html`<a class="${people ? "button" : "button primary"}" href="/auth/local${query}">Sign in with a one-time code</a>` : ""}</div>`;
};

/**
 * Signs in with a one-time code. Only the form's POST uses the code up: programs that preview links send a GET. Its address
 * keeps where the sign-in leads, also when the code is wrong.
 */
export const localBody = (code: string, returnTo: string) =>
  html`<form method="post" action="/auth/local${toQuery(returnTo)}"><input type="hidden" name="return" value="${returnTo}"><label>One-time code
<span class="row"><input name="code" autocomplete="one-time-code" spellcheck="false" autofocus required maxlength="24" value="${code}">
<button class="primary">Sign in</button></span></label></form>
<p class="hint"><code>stackyard console</code> prints a code, which is valid for 10 minutes. It needs an administrator's token of the yard.</p>
${toContinue(returnTo)}`;

/** Renders the page at `/`: the person who is signed in, and the logout. */
export const homeBody = (name: string | undefined, ways: SignInWays) =>
  name === undefined
    ? html`<p>You are not signed in.</p>${waysIn(ways, "/")}`
    : html`<p>You are signed in as ${name}.</p>
<form method="post" action="/auth/logout"><button>Sign out</button></form>`;

/** Renders an error for people, and how to try again. */
export const errorBody = (code: string, detail: string, ways: SignInWays, returnTo: string) =>
  html`<p role="alert">${withCode(detail)}</p>${waysIn(ways, returnTo)}${toContinue(returnTo)}<p class="hint">Code of this error: <code>${code}</code></p>`;

/** Renders where the person goes after the sign-in, if that is not the first page. */
const toContinue = (returnTo: string) =>
  returnTo === "/" ? "" : html`<p class="hint">Then you continue to ${formatPage(returnTo)}.</p>`;

/** Renders the name of a page of the console, such as `Releases` or `Stack pr-12`; of another path the path. */
function formatPage(path: string) {
  const { pathname, searchParams } = new URL(path, "http://localhost");
  if (!/^\/[a-z]+(-[a-z]+)*$/.test(pathname)) return html`<code>${path}</code>`;
  const words = pathname.slice(1).replaceAll("-", " ");
  const [about = ""] = ["id", "stack", "name", "machine", "key"].flatMap((name) => searchParams.get(name) ?? []);
  return html`<b>${`${words.charAt(0).toUpperCase()}${words.slice(1)} ${about}`.trim()}</b>`;
}

/** Renders what is between backticks as code. */
const withCode = (text: string) =>
  text.split("`").map((part, place) => (place % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
