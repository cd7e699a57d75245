/** A browser as far as logins need one: cookies by host and port, redirects, refreshes and forms of pages. */
export interface TestBrowser {
  /** Opens an address and follows redirects and refreshes to the page at the end. */
  open(url: string): Promise<TestPage>;
  /** Sends a form from one of the site's own pages. */
  submit(url: string, fields: Readonly<Record<string, string>>): Promise<TestPage>;
  /** Calls a URL by a script on a page of the same origin. */
  call(url: string, init?: RequestInit): Promise<Response>;
  /** Returns the value of a cookie. */
  cookie(name: string): string | undefined;
  /** Returns the names of all cookies, the oldest first. */
  cookies(): readonly string[];
  /** Takes a cookie, as a browser that was moved to another machine would. */
  plant(name: string, value: string): void;
}

export interface TestPage {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const MOST_STEPS = 15;

/** Opens a browser without cookies. All sites of a test are on the loopback, whose ports share one jar (RFC 6265, 8.5). */
export function createTestBrowser(): TestBrowser {
  const jar = new Map<string, string>();

  async function send(url: string, init: RequestInit, site: string): Promise<Response> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = new Headers(init.headers);
    headers.set("sec-fetch-site", site);
    if (cookie !== "") headers.set("cookie", cookie);
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) keep(jar, line);
    return response;
  }

  async function follow(start: Response, from: string): Promise<TestPage> {
    let response = start;
    let url = from;
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const text = await response.text();
      const next = response.headers.get("location") ?? findRefresh(text);
      if (next === undefined) return { url, status: response.status, headers: response.headers, text };
      const target = new URL(next, url).href;
      const sameOrigin = new URL(target).origin === new URL(url).origin;
      response = await send(target, { headers: { accept: "text/html" } }, sameOrigin ? "same-origin" : "same-site");
      url = target;
    }
    throw new Error(`The pages at ${url} lead nowhere.`);
  }

  return {
    open: async (url) => follow(await send(url, { headers: { accept: "text/html" } }, "none"), url),
    async submit(url, fields) {
      const headers = { accept: "text/html", origin: "null" };
      return follow(
        await send(url, { method: "POST", body: new URLSearchParams(fields), headers }, "same-origin"),
        url,
      );
    },
    call: (url, init = {}) => send(url, init, "same-origin"),
    cookie: (name) => jar.get(name),
    cookies: () => [...jar.keys()],
    plant: (name, value) => void jar.set(name, value),
  };
}

function keep(jar: Map<string, string>, line: string): void {
  const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  const isGone = /max-age=0\b/i.test(line) || /expires=thu, 01 jan 1970/i.test(line);
  if (isGone) jar.delete(name);
  else jar.set(name, value);
}

function findRefresh(text: string): string | undefined {
  return /<meta http-equiv="refresh" content="0; url=([^"]*)">/.exec(text)?.[1]?.replaceAll("&amp;", "&");
}
