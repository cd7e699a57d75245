import { randomUUID } from "node:crypto";
import type { ControlPlane } from "./control-plane.ts";

/** A person who uses the console, with the groups of the control plane. */
export interface Reviewer {
  /** Approves as the person. `of`: the plan that the person has read. */
  approve(approvalId: string, of: string | undefined): Promise<void>;
}

/** Signs in once for each start of the server, with the address that it printed, as a browser does. */
export function createReviewer(plane: Pick<ControlPlane, "url" | "signInUrl">): Reviewer {
  let session: { readonly signInUrl: string; readonly cookie: string } | undefined;
  const post = async (path: string, body: URLSearchParams | string, headers: Readonly<Record<string, string>>) => {
    const own = { ...headers, "sec-fetch-site": "same-origin", origin: plane.url };
    const response = await fetch(`${plane.url}${path}`, { method: "POST", body, headers: own, redirect: "manual" });
    if (response.status >= 400) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };

  async function signIn(): Promise<string> {
    const signInUrl = plane.signInUrl();
    // A code works once.
    if (session?.signInUrl === signInUrl) return session.cookie;
    const code = new URL(signInUrl).searchParams.get("code") ?? "";
    const signedIn = await post("/auth/local", new URLSearchParams({ code }), { accept: "text/html" });
    const cookie = signedIn.headers
      .getSetCookie()
      .map((line) => line.split(";")[0])
      .join("; ");
    session = { signInUrl, cookie };
    return cookie;
  }

  return {
    async approve(approvalId, of) {
      const headers = { cookie: await signIn(), "content-type": "application/json" };
      const body = JSON.stringify({ id: randomUUID(), of });
      await post(`/v1/approvals/${encodeURIComponent(approvalId)}/approve`, body, headers);
    },
  };
}
