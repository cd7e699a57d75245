import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createCiToken } from "./ci-token.ts";
import { findServerFault } from "./http-client.ts";

const HOUR_S = 3_600;
const GITHUB = {
  ACTIONS_ID_TOKEN_REQUEST_URL: "https://actions.example/token?v=1",
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: "request-token",
};

interface Call {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string | undefined;
}

/** Answers as GitHub Actions and as a server do. */
function fakeFetch(answers: { readonly status?: number; readonly body?: object } = {}) {
  const calls: Call[] = [];
  const call = (async (input: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    calls.push({ url: input, authorization: headers.get("authorization") ?? undefined, body: init.body?.toString() });
    if (input.startsWith("https://actions.example")) return Response.json({ value: "job-token" });
    const body = answers.body ?? { access_token: `syw_${calls.length}`, expires_in: HOUR_S };
    return Response.json(body, { status: answers.status ?? 200 });
  }) as typeof fetch;
  return { calls, fetch: call };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

describe("createCiToken", () => {
  it("is undefined outside a job", () => {
    expect(createCiToken({ url: "https://yard.example.org", env: {} })).toBeUndefined();
  });

  it("asks GitHub Actions for a token with the server as its audience, and exchanges it", async () => {
    const { calls, fetch } = fakeFetch();
    const token = createCiToken({ url: "https://yard.example.org/", env: GITHUB, fetch });

    expect(await token?.()).toBe("syw_2");
    const [asked, exchanged] = calls;
    expect(asked).toMatchObject({
      url: "https://actions.example/token?v=1&audience=https%3A%2F%2Fyard.example.org",
      authorization: "Bearer request-token",
    });
    expect(exchanged).toMatchObject({ url: "https://yard.example.org/auth/token", authorization: undefined });
    expect(Object.fromEntries(new URLSearchParams(exchanged?.body))).toMatchObject({ subject_token: "job-token" });
  });

  it("keeps the session until shortly before its end, for requests at the same time too", async () => {
    const { calls, fetch } = fakeFetch();
    const token = createCiToken({ url: "https://yard.example.org", env: { STACKYARD_ID_TOKEN: "jwt" }, fetch });

    const both = await Promise.all([token?.(), token?.()]);
    vi.advanceTimersByTime((HOUR_S - 301) * 1_000);
    const still = await token?.();
    vi.advanceTimersByTime(2_000);
    const renewed = await token?.();

    expect([...both, still, renewed]).toEqual(["syw_1", "syw_1", "syw_1", "syw_2"]);
    expect(calls).toHaveLength(2);
  });

  it("throws the server's refusal", async () => {
    const body = { code: "NO_GRANT", detail: "No grant fits.", title: "Forbidden" };
    const { fetch } = fakeFetch({ status: 403, body });
    const token = createCiToken({ url: "https://yard.example.org", env: { STACKYARD_ID_TOKEN: "jwt" }, fetch });

    await expect(token?.()).rejects.toMatchObject({ code: "NO_GRANT", message: "No grant fits." });
  });

  it("says which of the two could not be reached, the job's issuer or the server", async () => {
    const fail = (async (input: string) => {
      if (input.startsWith("https://actions.example")) throw new TypeError("fetch failed");
      return Response.json({});
    }) as typeof fetch;
    const token = createCiToken({ url: "https://yard.example.org", env: GITHUB, fetch: fail });

    const error: unknown = await Promise.resolve(token?.()).catch((caught: unknown) => caught);

    expect(findServerFault(error)).toEqual({ url: "https://actions.example", kind: "unreached" });
  });
});
