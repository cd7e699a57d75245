import { randomUUID } from "node:crypto";
import type { ControlPlane } from "stackyard-example-review-app/control-plane";

/** A person of the group `reviewers`, who uses the console. */
export interface Reviewer {
  /** Approves as the person. `of`: the plan that the person has read. */
  approve(approvalId: string, of: string | undefined): Promise<void>;
}

/** Signs in with the address that the server printed, as a browser does. */
export function createReviewer(plane: Pick<ControlPlane, "url" | "signInUrl">): Reviewer {
  const post = async (path: string, body: URLSearchParams | string, headers: Readonly<Record<string, string>>) => {
    const own = { ...headers, "sec-fetch-site": "same-origin", origin: plane.url };
    const response = await fetch(`${plane.url}${path}`, { method: "POST", body, headers: own, redirect: "manual" });
    if (response.status >= 400) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };

  return {
    async approve(approvalId, of) {
      const code = new URL(plane.signInUrl()).searchParams.get("code") ?? "";
      const signedIn = await post("/auth/local", new URLSearchParams({ code }), { accept: "text/html" });
      const cookie = signedIn.headers.getSetCookie().map((line) => line.split(";")[0]);
      const headers = { cookie: cookie.join("; "), "content-type": "application/json" };
      const body = JSON.stringify({ id: randomUUID(), of });
      await post(`/v1/approvals/${encodeURIComponent(approvalId)}/approve`, body, headers);
    },
  };
}
