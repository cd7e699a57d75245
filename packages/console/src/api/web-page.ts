import { StackyardError } from "@stackyard/core";

const DETAIL =
  "Something between this page and the yard has answered with a web page, probably its own sign-in. Sign in again in another tab, then retry.";

/** The failure of a request that something between the page and its yard has answered, such as the sign-in of a proxy. */
export class WebPageError extends StackyardError {
  constructor() {
    super("UNAUTHENTICATED", DETAIL);
    this.name = "WebPageError";
  }
}

/**
 * Returns a `fetch` that throws a `WebPageError` for an answer that is no yard's: a web page, or the way to one. A yard redirects no request of a page, and
 * answers with a web page only when one is requested as a file.
 */
export function refuseWebPages(send: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    // Followed, the way to another origin would end as if the yard could not be reached.
    const response = await send(input, { ...init, redirect: "manual" });
    if (isRedirect(response) || isWebPage(response)) throw new WebPageError();
    return response;
  };
}

function isRedirect({ type, status }: Response): boolean {
  return type === "opaqueredirect" || (status >= 300 && status < 400);
}

/** Errors from 500 on are those of a proxy that does not reach the yard: nobody can sign in there. */
function isWebPage({ status, headers }: Response): boolean {
  const isPage = /^(?:text\/html|application\/xhtml\+xml)\b/i.test(headers.get("content-type") ?? "");
  return isPage && status < 500 && !headers.has("content-disposition");
}
